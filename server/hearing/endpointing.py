"""How long to wait before an utterance counts as over, by what was understood so far and how it was
spoken. Pure.

Thresholds are ours, chosen so that each reason has its own step between the shortest and the
longest wait; people leave each other about 200 ms (Stivers et al., PNAS 2009), and pause longest
where a clause is open.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from audio.endpoint import Delivery


class Reason(StrEnum):
    """Why the wait is what it is; told in `parley.turn`."""

    UNHEARD = "unheard"
    NOTHING_UNDERSTOOD = "nothing_understood"
    OPEN_CLAUSE = "open_clause"
    FILLER = "filler"
    NUMBER = "number"
    FRAGMENT = "fragment"
    SENTENCE = "sentence"
    QUESTION = "question"
    BRIEF = "brief"
    """So little was said that more is to be expected."""
    OWN_PAUSES = "own_pauses"
    """The speaker has paused for about as long before, and went on."""
    ANSWERABLE_QUESTION = "answerable_question"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Wait:
    """Silence to wait for, in milliseconds, and the reason."""

    silence_ms: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """The shortest and the longest wait, in milliseconds."""

    shortest_ms: int
    longest_ms: int

    def at(self, share: float, reason: Reason) -> Wait:
        """Return the wait that far between the shortest (0) and the longest (1)."""
        return Wait(round(self.shortest_ms + share * (self.longest_ms - self.shortest_ms)), reason)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


SURE = 0.8
"""Confidence of the answer from which the question counts as answerable."""

_COMPLETE = 0.05
"""Share of the wait for words that may well be all: one window of 32 ms above the shortest."""
_BRIEF_MS, _WHOLE_MS = 1750, 2500
_BRIEF = 0.7
"""Share of the wait after speech of at most _BRIEF_MS, of which less and less is left to _WHOLE_MS.

Of 59 recorded orders all five inner pauses above 250 ms came within 2.1 s of the onset, while 80%
of the orders were longer than that.
A share of 0.55 cut one of them, and six of 40 made pauses in other voices (benchmarks.endpoints).
"""
_OWN_PAUSE = 1.2
"""A speaker who has paused within the utterance is waited for this much longer than then."""

_FILLERS = _words(
    """
    um uh er erm hmm mm like well
    """
)
_OPEN = _words(
    """
    a an the of to for from with without in on at by about into onto over under between than as
    and or but nor if whether because while until unless when where which who whose that my your
    his her its our their is are was were be been am do does did has have had will would can could
    shall should may might must not very more most some any every each no this these those what
    how why there i'm you're it's what's where's how's i we he she they
    """
)
_NOUNS_TOO = _words("will can might do must have")
"""Open as verbs; after a word of _BEFORE_NOUNS they are nouns: "my will", "a can"."""
_BEFORE_NOUNS = _words("a an the my your his her its our their this that no")
_ENDS_QUESTIONS = _words(
    """
    in on at for from with about to do have is are there that this
    """
)
_NUMBERS = _words(
    """
    zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
    ninety hundred thousand million point double triple
    """
)
_ASKING = _words(
    """
    what what's when where where's who who's whose which why how how's is are was were do does did
    can could will would should may must has have had am tell give show explain
    """
)
_WRITTEN = re.compile(r"[A-Z.,;:!…]")
"""Only recognisers that punctuate write any of these."""
_ENDED = re.compile(r"(?<![.])[.!]$")
_SHORTEST_QUESTION_WORDS = 4
_SHORTEST_SENTENCE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of an utterance at a pause."""

    text: str
    """The reading that the documents fit best."""
    unfinished: str = ""
    """The words if the speaker is not done; "" when the recogniser does not tell."""
    confidence: float = 0.0
    """Of the answer, 0..1."""


def wait_for(heard: Heard, delivery: Delivery, limits: WaitLimits) -> Wait:
    """Return the wait for what was heard so far, and how."""
    wait = _by_words(heard, limits)
    if wait.reason not in (Reason.FRAGMENT, Reason.SENTENCE, Reason.QUESTION):
        return wait
    doubt = 1 - min(1.0, heard.confidence / SURE)
    unheard_ms = min(max(0, _WHOLE_MS - delivery.speech_ms), _WHOLE_MS - _BRIEF_MS)
    brief = limits.at(_BRIEF * doubt * unheard_ms / (_WHOLE_MS - _BRIEF_MS), Reason.BRIEF)
    paused_ms = min(limits.longest_ms, round(_OWN_PAUSE * delivery.longest_pause_ms))
    return max(wait, brief, Wait(paused_ms, Reason.OWN_PAUSES), key=lambda one: one.silence_ms)


def _by_words(heard: Heard, limits: WaitLimits) -> Wait:
    words = _words_of(heard.text)
    if not words:
        return limits.at(1.0, Reason.NOTHING_UNDERSTOOD)
    if words[-1] in _FILLERS:
        return limits.at(1.0, Reason.FILLER)
    is_question = words[0] in _ASKING and len(words) >= _SHORTEST_QUESTION_WORDS
    if _is_open(heard) and not _may_end(words, heard.confidence):
        return limits.at(1.0, Reason.OPEN_CLAUSE)
    if words[-1] in _NUMBERS or words[-1].isdigit():
        return limits.at(0.7, Reason.NUMBER)
    if is_question or heard.text.endswith("?"):
        if heard.confidence >= SURE:
            return limits.at(0.0, Reason.ANSWERABLE_QUESTION)
        return limits.at(_COMPLETE, Reason.QUESTION)
    if len(words) < _SHORTEST_SENTENCE_WORDS:
        return limits.at(0.6, Reason.FRAGMENT)
    return limits.at(_COMPLETE, Reason.SENTENCE)


def _is_open(heard: Heard) -> bool:
    """Whether more must follow, in either reading, or by the recogniser's own punctuation.

    Whisper writes sentences: one that it leaves without an end has none, and it writes "?" by the
    sound of the whole. "." tells little: it stands after "the price of" too.
    """
    text = heard.text.rstrip()
    if text.endswith("?"):
        return False
    if _WRITTEN.search(text) and not _ENDED.search(text):
        return True
    readings = (_words_of(heard.text), _words_of(heard.unfinished))
    return any(_ends_open(words) for words in readings if words)


def _ends_open(words: list[str]) -> bool:
    is_noun = words[-1] in _NOUNS_TOO and words[-2:-1] and words[-2] in _BEFORE_NOUNS
    return words[-1] in _OPEN and not is_noun


def _words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def _may_end(words: list[str], confidence: float) -> bool:
    """Questions do end in "from", "for" or "there": believed when the answer is sure.

    The asking may come late: "the lamp is red what should i do".
    """
    asks = any(word in _ASKING for word in words[:-1])
    return asks and words[-1] in _ENDS_QUESTIONS and confidence >= SURE and len(words) > 5
