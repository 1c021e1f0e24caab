"""What a listener would hear of audio that arrives in pieces: first sound and gaps. Plays nothing.

The client starts to play BUFFER_MS after the first piece, and goes on at once when it ran dry.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.speech_edges import first_audible_sample

BUFFER_MS = 100.0


@dataclass(slots=True)
class Playback:
    """One answer's audio as it arrives; keeps times, and samples until one can be heard."""

    rate_hz: int
    samples: int = 0
    audible_at_s: float | None = None
    """When a client without a buffer would let the first audible sample be heard."""
    _arrivals: list[tuple[float, int]] = field(default_factory=list)

    def arrive(self, at_s: float, frame: bytes) -> None:
        """Take one PCM16 frame; times come in order, on any one clock."""
        self._arrivals.append((at_s, len(frame) // 2))
        if self.audible_at_s is None:
            found = first_audible_sample(np.frombuffer(frame, "<i2"))
            if found is not None:
                played_at_s = self._arrivals[0][0] + (self.samples + found) / self.rate_hz
                self.audible_at_s = max(at_s, played_at_s)
        self.samples += len(frame) // 2

    @property
    def duration_s(self) -> float:
        """Of what has arrived."""
        return self.samples / self.rate_hz

    @property
    def longest_gap_ms(self) -> float:
        """See `longest_gap_ms`."""
        return longest_gap_ms(self._arrivals, self.rate_hz)


def longest_gap_ms(
    arrivals: Iterable[tuple[float, int]], rate_hz: int, buffer_ms: float = BUFFER_MS
) -> float:
    """Return the longest silence that late pieces cause within an answer; 0 when none does.

    `arrivals` are times in seconds, in order, and numbers of samples. Silence that belongs to the
    audio is no gap, nor is what follows the last piece.
    """
    longest_s, dry_at_s = 0.0, None
    for at_s, samples in arrivals:
        if dry_at_s is None:
            dry_at_s = at_s + buffer_ms / 1000
        longest_s = max(longest_s, at_s - dry_at_s)
        dry_at_s = max(dry_at_s, at_s) + samples / rate_hz
    return longest_s * 1000
