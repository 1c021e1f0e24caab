"""How well questions were heard in a run that measured time: endpoints, barge-ins, words.

It measures nothing itself: a run hands over what it noted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from benchmarks.wer import word_error_rate

CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class HeardQuestion:
    """One question that was asked, and what became of it. Times on one clock, in seconds."""

    speech_ends_at_s: float
    """The true end."""
    commits_at_s: tuple[float, ...]
    """When the client was told that an utterance of it is over."""
    false_barge_ins: int
    """Answers to it that were ended although nobody spoke."""
    transcript: str
    said: str | None
    """The true words; None when they are not known."""

    @property
    def is_premature(self) -> bool:
        """Whether the server ended it while it was still spoken."""
        return any(at_s < self.speech_ends_at_s for at_s in self.commits_at_s)

    @property
    def is_missed(self) -> bool:
        """Whether its end was never found."""
        return not any(at_s >= self.speech_ends_at_s for at_s in self.commits_at_s)


def is_false_barge_in(
    outcome: object, at_s: float, speech_ends_at_s: float, *, is_audible: bool
) -> bool:
    """Whether a turn's report, before the next question began, tells of a false barge-in.

    One cancelled while its question was still spoken, or before any of its answer was sent, was
    taken back, and is no barge-in.
    """
    return outcome == CANCELLED and is_audible and at_s > speech_ends_at_s


def accuracy_of(questions: Sequence[HeardQuestion], *, is_scripted: bool) -> dict[str, Any]:
    """Return the `accuracy` object of a result.

    `wer_percent` is None when the transcripts were scripted or no true words are known, and `wer`
    says which.
    """
    pairs = [(one.said, one.transcript) for one in questions if one.said is not None]
    is_known = bool(pairs) and not is_scripted
    return {
        "premature_percent": _percent(one.is_premature for one in questions),
        "missed_percent": _percent(one.is_missed for one in questions),
        "false_barge_ins": sum(one.false_barge_ins for one in questions),
        "wer_percent": round(100 * word_error_rate(pairs), 1) if is_known else None,
        "wer": "scripted" if is_scripted else "measured" if is_known else "unknown words",
        "questions": len(questions),
    }


def is_scripted(engines: Mapping[str, str]) -> bool:
    """Whether the recogniser was a stand-in, whose words come from a script."""
    return "stand-in" in engines.get("stt", "")


def degradation_of(turns: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the share of turns that the server shortened to keep its budget, and how often each
    step was taken.
    """
    degraded = [list(turn.get("degraded") or ()) for turn in turns]
    steps = sorted({step for each in degraded for step in each})
    return {
        "degraded_percent": _percent(bool(each) for each in degraded),
        "degraded_steps": {step: sum(step in each for each in degraded) for step in steps},
    }


def _percent(flags: Iterable[bool]) -> float:
    known = [float(flag) for flag in flags]
    return round(100 * mean(known), 1) if known else 0.0
