"""How long to wait before an utterance counts as over, by what was understood so far. Pure.

Thresholds are ours, chosen so that each reason has its own step between the shortest and the
longest wait; people leave each other about 200 ms (Stivers et al., PNAS 2009), and pause longest
where a clause is open.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


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
    how why there i'm you're it's what's where's how's
    """
)
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
_SHORTEST_QUESTION_WORDS = 4
_SHORTEST_SENTENCE_WORDS = 3


def wait_for(transcript: str, confidence: float, limits: WaitLimits) -> Wait:
    """Return the wait for what was heard so far; `confidence` (0..1) is that of its answer."""
    words = re.findall(r"[\w']+", transcript.lower())
    if not words:
        return limits.at(1.0, Reason.NOTHING_UNDERSTOOD)
    if words[-1] in _FILLERS:
        return limits.at(1.0, Reason.FILLER)
    is_question = words[0] in _ASKING and len(words) >= _SHORTEST_QUESTION_WORDS
    if words[-1] in _OPEN and not (is_question and _may_end(words, confidence)):
        return limits.at(1.0, Reason.OPEN_CLAUSE)
    if words[-1] in _NUMBERS or words[-1].isdigit():
        return limits.at(0.7, Reason.NUMBER)
    if is_question:
        if confidence >= SURE:
            return limits.at(0.0, Reason.ANSWERABLE_QUESTION)
        return limits.at(0.25, Reason.QUESTION)
    if len(words) < _SHORTEST_SENTENCE_WORDS:
        return limits.at(0.6, Reason.FRAGMENT)
    return limits.at(0.4, Reason.SENTENCE)


def _may_end(words: list[str], confidence: float) -> bool:
    """Questions do end in "from", "for" or "there": believed when the answer is sure."""
    return words[-1] in _ENDS_QUESTIONS and confidence >= SURE and len(words) > 5
