"""What every speech engine promises: one sentence in, one stretch of 16-bit sound out.

Holds no engine. `models/espeak.py` and `models/piper.py` are the two there are.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

MAXIMUM_SENTENCE_CHARACTERS: Final = 2000
SLOWEST_SPEED: Final = 0.25
FASTEST_SPEED: Final = 4.0

_SENTENCE_PAUSE_MS: Final = 280
_CLAUSE_PAUSE_MS: Final = 140
_CUT_PAUSE_MS: Final = 60


class SynthesisError(RuntimeError):
    """The engine could not speak this sentence; the message never contains the sentence."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono sound, ready to play; no samples at all when there was nothing to say."""

    samples: NDArray[np.int16]
    rate_hz: int
    engine: str
    word_ends: tuple[int, ...] = ()
    """For each word of `sentence.split()` the sample at which it has been said; empty when
    nothing is known of them."""

    @property
    def duration_ms(self) -> float:
        """0.0 when there was nothing to say."""
        return 1000 * len(self.samples) / self.rate_hz


class Synthesizer(Protocol):
    """Blocking, callable from several threads at once."""

    @property
    def name(self) -> str:
        """The engine and voice, for people: "espeak-ng en-us"."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same sentence could sound different; a part of cache keys."""

    @property
    def rate_hz(self) -> int:
        """The same for every sentence of this engine."""

    @property
    def is_aligned(self) -> bool:
        """Whether `Speech.word_ends` are the engine's own times; else they are an estimate."""

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        """Speak one sentence, `speed` times as fast as usual (0.25 to 4, where the voice can).

        Blank or unspeakable text gives zero samples. About 10 ms of silence are left before the
        first sound and 30 ms after the last: the pause before the next sentence is the caller's,
        see `pause_after_ms`.

        Raises ValueError for a sentence above MAXIMUM_SENTENCE_CHARACTERS or a speed outside its
        range, SynthesisError when the engine fails.
        """


def pause_after_ms(sentence: str) -> int:
    """Silence that sounds natural between this sentence and the next piece of the same answer.

    espeak-ng itself leaves 320 to 340 ms of silence after a full stop at 165 words a minute; the
    30 ms and 10 ms kept at the two ends belong to it.
    """
    last = sentence.rstrip().rstrip("\"')]”’")[-1:]
    if last in tuple(".!?…"):
        return _SENTENCE_PAUSE_MS
    return _CLAUSE_PAUSE_MS if last in tuple(",;:") else _CUT_PAUSE_MS


def check_request(sentence: str, speed: float) -> None:
    """Raises ValueError naming what is wrong with a call to `Synthesizer.synthesise`."""
    if len(sentence) > MAXIMUM_SENTENCE_CHARACTERS:
        raise ValueError(
            f"a sentence of {len(sentence)} characters is too long to speak at once: "
            f"split it into at most {MAXIMUM_SENTENCE_CHARACTERS}"
        )
    if not SLOWEST_SPEED <= speed <= FASTEST_SPEED:
        raise ValueError(f"speed must be {SLOWEST_SPEED} to {FASTEST_SPEED}, not {speed}")
