"""What speech into an answer was: a question, "stop", "uh-huh", the answer's own echo, or nothing.

Pure, and by English words.
"""

import re
from difflib import SequenceMatcher
from enum import StrEnum


class Interruption(StrEnum):
    """A QUESTION ends the answer and is answered, a STOP ends it; after the others it goes on."""

    QUESTION = "question"
    STOP = "stop"
    """An order to be quiet: nothing is said instead."""
    BACKCHANNEL = "backchannel"
    FRAGMENT = "fragment"
    """One or two words that ask and order nothing ("but", "the hut"): a hum or cough misheard."""
    ECHO = "echo"
    NOTHING = "nothing"


ECHO_SHARE = 0.6
"""An echo is misheard in places: this share of its words, in order, must be the answer's own."""

_LONGEST_BACKCHANNEL_WORDS = 4
_LONGEST_FRAGMENT_WORDS = 2


def classify(transcript: str, being_said: str) -> Interruption:
    """Judge what was heard while `being_said` (the sentences around the moment) was spoken."""
    words = _words(transcript)
    if not words:
        return Interruption.NOTHING
    if len(words) <= _LONGEST_BACKCHANNEL_WORDS and all(word in _BACKCHANNELS for word in words):
        return Interruption.BACKCHANNEL
    if all(len(word) == 1 or word == "and" for word in words):
        # pocketsphinx spells a hum: "mm hmm" becomes "m m h and m".
        return Interruption.BACKCHANNEL
    if len(words) <= _LONGEST_FRAGMENT_WORDS and words[0] in _OPENS_FRAGMENTS:
        return Interruption.FRAGMENT
    if is_order_to_stop(transcript):
        return Interruption.STOP
    if _echo_share(words, _words(being_said)) >= ECHO_SHARE:
        return Interruption.ECHO
    return Interruption.QUESTION


def is_order_to_stop(transcript: str) -> bool:
    """Whether it is nothing but "stop", "never mind", "hold on" or the like, politely or twice.

    "Stop the lamp how" is a question: every word must belong to an order.
    """
    return _ORDER_TO_STOP.fullmatch(" ".join(_words(transcript))) is not None


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


_BACKCHANNELS = frozenset(
    _words(
        """
        yeah yes yep yup ok okay right sure mm mhm hm hmm uh huh um ah oh aha wow cool nice great
        good well so really indeed exactly true i see got it thanks
        """
    )
)

_OPENS_FRAGMENTS = frozenset(
    _words(
        """
        a an the and or but of to in on at by for from with as it its this that these those
        """
    )
)

_ORDERS = r"""
    stop (?: \ (?: it | that | this | there | talking | speaking | reading | answering ) )?
    | (?: be | keep ) \ quiet | quiet | silence | hush | shush | shut \ up
    | (?: that's | that \ is | it's | it \ is )? \ ? enough
    | never \ ?mind | forget \ (?: it | that | about \ it )
    | cancel (?: \ (?: it | that ) )?
    | (?: hold | hang ) \ on | hold \ it | pause
    | (?: wait | one | just \ (?: a | one ) ) (?: \ (?: a | one ) )?
      \ (?: minute | moment | second )
    | wait
"""
_AROUND = r"""
    please | okay | ok | oh | no | hey | now | just | thanks | thank \ you
    | a \ (?: minute | moment | second )
"""
_ORDER_TO_STOP = re.compile(
    rf"(?: (?: {_AROUND} ) \ )* (?: {_ORDERS} ) (?: \ (?: {_ORDERS} | {_AROUND} ) )*", re.VERBOSE
)


def _echo_share(heard: list[str], said: list[str]) -> float:
    matcher = SequenceMatcher(None, heard, said, autojunk=False)
    longest = matcher.find_longest_match()
    if longest.size < min(2, len(heard)):
        return 0.0
    return sum(block.size for block in matcher.get_matching_blocks()) / len(heard)
