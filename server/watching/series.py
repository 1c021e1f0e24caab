"""Durations over the last 1, 5 and 60 minutes: count, mean and percentiles in bounded memory.

It reads no clock: the time of each observation is an argument, in monotonic seconds. An observation
goes into one of 21 slots of a twentieth of the window each, so a window tells of its own length and
up to a twentieth more. Percentiles come from buckets that grow by 5%: they are 2.5% off at most.
"""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

import numpy as np

SLOTS: Final = 20
LOWEST_MS: Final = 0.01
GROWTH: Final = 1.05
BUCKETS: Final = 332
"""From 0.01 ms to 100 s; what is beyond goes into the first and the last."""

_LOG_GROWTH: Final = math.log(GROWTH)


class Span(StrEnum):
    """The windows that are kept, as `/stats` calls them."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    HOUR = "60m"

    @property
    def seconds(self) -> int:
        """Return its length."""
        return {"1m": 60, "5m": 300, "60m": 3600}[self]


@dataclass(frozen=True, slots=True)
class Summary:
    """What one window holds, in milliseconds; zeros without an observation."""

    count: int = 0
    mean: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


class SlidingMean:
    """Count, mean and maximum of values in a sliding window."""

    def __init__(self, window_s: float) -> None:
        self._slot_s = window_s / SLOTS
        self._newest: int | None = None
        self._counts = [0] * (SLOTS + 1)
        self._sums = [0.0] * (SLOTS + 1)
        self._maxima = [0.0] * (SLOTS + 1)

    def add(self, value: float, now_s: float) -> None:
        """Take in one value of at least 0."""
        row = self._advance(now_s)
        self._counts[row] += 1
        self._sums[row] += value
        self._maxima[row] = max(self._maxima[row], value)

    def count(self, now_s: float) -> int:
        """Return how many values there are in the window."""
        self._advance(now_s)
        return sum(self._counts)

    def mean(self, now_s: float) -> float:
        """Return their mean; 0 without any."""
        count = self.count(now_s)
        return sum(self._sums) / count if count else 0.0

    def total(self, now_s: float) -> float:
        """Return their sum."""
        self._advance(now_s)
        return math.fsum(self._sums)

    def maximum(self, now_s: float) -> float:
        """Return the greatest; 0 without any."""
        self._advance(now_s)
        return max(self._maxima)

    def _advance(self, now_s: float) -> int:
        """Empty the slots that time has passed and return the row of the newest."""
        number = int(now_s / self._slot_s)
        newest = number if self._newest is None else self._newest
        for passed in range(max(newest + 1, number - SLOTS), number + 1):
            self._clear(passed % (SLOTS + 1))
        self._newest = max(newest, number)
        return self._newest % (SLOTS + 1)

    def _clear(self, row: int) -> None:
        self._counts[row], self._sums[row], self._maxima[row] = 0, 0.0, 0.0


class SlidingHistogram(SlidingMean):
    """The same with percentiles: 28 KB, whatever is observed."""

    def __init__(self, window_s: float) -> None:
        super().__init__(window_s)
        self._buckets = np.zeros((SLOTS + 1, BUCKETS), np.uint32)

    def add(self, value: float, now_s: float) -> None:
        """Take in one duration in milliseconds."""
        super().add(value, now_s)
        self._buckets[self._advance(now_s), _bucket_of(value)] += 1

    def summary(self, now_s: float) -> Summary:
        """Return the figures of the window."""
        count = self.count(now_s)
        if not count:
            return Summary()
        below = np.cumsum(self._buckets.sum(axis=0, dtype=np.int64))
        ranks = np.ceil(np.array([0.50, 0.95, 0.99]) * count)
        greatest = self.maximum(now_s)
        found = [min(_middle_of(int(at)), greatest) for at in np.searchsorted(below, ranks)]
        return Summary(
            count, *(round(value, 3) for value in (sum(self._sums) / count, *map(float, found)))
        )

    def _clear(self, row: int) -> None:
        super()._clear(row)
        self._buckets[row] = 0


class Series:
    """One duration over the three windows: 84 KB."""

    def __init__(self) -> None:
        self._windows = {span: SlidingHistogram(span.seconds) for span in Span}

    def add(self, milliseconds: float, now_s: float) -> None:
        """Take in one observation; its cost does not depend on how many there are."""
        for window in self._windows.values():
            window.add(milliseconds, now_s)

    def summary(self, span: Span, now_s: float) -> Summary:
        """Return the figures of one window."""
        return self._windows[span].summary(now_s)

    def maximum(self, span: Span, now_s: float) -> float:
        """Return the longest of one window, in milliseconds."""
        return self._windows[span].maximum(now_s)

    def plain(self, now_s: float) -> dict[str, object]:
        """Return the figures of the last hour, and of each window under its name, for JSON."""
        windows = {str(span): asdict(self.summary(span, now_s)) for span in Span}
        return {**windows[Span.HOUR], "windows": windows}


def _bucket_of(milliseconds: float) -> int:
    if milliseconds <= LOWEST_MS:
        return 0
    return min(BUCKETS - 1, int(math.log(milliseconds / LOWEST_MS) / _LOG_GROWTH))


def _middle_of(bucket: int) -> float:
    return LOWEST_MS * math.exp(_LOG_GROWTH * (bucket + 0.5))
