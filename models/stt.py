"""What every speech recogniser gives and promises; it recognises nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from audio.pcm import Samples

RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one utterance.

    `text` is "" when nothing was said. `confidence` runs from 0 to 1 and is comparable only within
    one engine. `details` holds measurements and decisions (numbers, flags, names), never words.
    `other` is a second reading of the same speech that differs from `text`, "" when there is none.
    `unfinished` are the words if the speaker is not done yet, "" when the engine does not tell.
    """

    text: str
    engine: str
    confidence: float
    audio_ms: int
    details: Mapping[str, str | float | int | bool] = field(default_factory=dict)
    other: str = ""
    unfinished: str = ""


class Recognizer(Protocol):
    """Speech to text, one whole utterance a call."""

    @property
    def name(self) -> str:
        """What people read: engine and model."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same speech may give other words: part of every cache key."""

    def recognise(self, speech: Samples) -> Transcript:
        """Blocks. `speech` is mono at RATE_HZ. Safe from several threads; meant for long-lived
        ones.
        """


def audio_ms_of(speech: Samples) -> int:
    """Whole milliseconds of samples at RATE_HZ."""
    return round(1000 * len(speech) / RATE_HZ)
