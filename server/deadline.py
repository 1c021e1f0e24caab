"""A point in monotonic time by which work must be done; it does not enforce itself."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """Ordered by time: the earliest deadline is the least."""

    at_s: float
    """On the clock of time.monotonic()."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at_s - time.monotonic())
