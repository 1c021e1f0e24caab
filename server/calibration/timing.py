"""How many threads a call should take and how many calls should run at once, by measuring.

Two written rules decide: `Gain.is_worth_it` and `permits_for`. It knows no engine: what a call does
is given, and so is the stopwatch.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from types import TracebackType
from typing import Final, Protocol, Self

from server.calibration.record import Load

ROUNDS: Final = 5
FEWEST_ROUNDS: Final = 3
"""Below it a median says nothing: the measurement is discarded."""
TOLERANCE: Final = 0.1
"""Differences up to a tenth are not acted on: medians of five rounds vary by about that."""

LOSS_ALLOWED: Final = 0.05
"""What more threads may cost a machine under full load. A first sound is mostly spoken
ahead (server/engines/prespeak.py): they gain one caller little beside what they cost sessions."""

Clock = Callable[[], float]
Work = Callable[[], object]


class NotMeasured(RuntimeError):
    """The time was up before there were enough rounds."""


class Stopwatch(Protocol):
    """Times a round."""

    def round_s(self, work: Work, callers: int) -> float:
        """Let `callers` threads do the work at once; seconds until the last is done. Raises what
        the work raises.
        """


class ThreadStopwatch:
    """Long-lived threads, because faster-whisper's memory grows with every new one."""

    def __init__(self, callers_maximum: int, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(callers_maximum, "calibrate")

    def round_s(self, work: Work, callers: int) -> float:
        """See `Stopwatch`."""
        started_at_s = self._clock()
        calls = [self._pool.submit(work) for _ in range(callers)]
        for call in calls:
            call.result()
        return self._clock() - started_at_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Threads of a call and calls at once, why, and every measurement made on the way."""

    threads: int
    permits: int
    why: str
    loads: tuple[Load, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """The measurement of one engine: `make(threads)` loads it and returns one typical call."""

    make: Callable[[int], Work]
    thread_counts: Sequence[int]
    """Candidates beside 1, ascending; empty for an engine that knows no threads."""
    callers_maximum: int
    stopwatch: Stopwatch
    deadline_s: float
    clock: Clock = time.monotonic

    def run(self) -> Chosen:
        """Compare each candidate with one thread; stop at the first that is not worth it.

        At most two engines are loaded at once. Raises NotMeasured when the time is up before the
        first comparison is done, and what `make` and the calls raise.
        """
        base = self.make(1)
        if not self.thread_counts:
            loads = self._measured(self._works(1, base))
            return _chosen(1, loads, "It takes one thread.")
        chosen, reasons, found = Gain(1, 1.0, 1.0), [], list[Load]()
        for candidate in self.thread_counts:
            works = self._works(1, base) | self._works(candidate, self.make(candidate))
            try:
                compared = self._measured(works)
            except NotMeasured:
                if not found:
                    raise
                reasons.append(f"The time was up before {candidate} threads were measured.")
                break
            found += compared
            gain = Gain.of(compared)
            reasons.append(gain.told())
            if not gain.is_worth_it(chosen.alone):
                break
            chosen = gain
        return _chosen(chosen.threads, found, " ".join(reasons))

    def _works(self, threads: int, work: Work) -> dict[tuple[int, int], Work]:
        return {(threads, callers): work for callers in self._callers()}

    def _callers(self) -> list[int]:
        """1, 2, 4 ... and the maximum itself."""
        doubled = [1 << power for power in range(self.callers_maximum.bit_length())]
        return sorted({*doubled, self.callers_maximum} - {0})

    def _measured(self, works: Mapping[tuple[int, int], Work]) -> list[Load]:
        """Round by round through all of them, so that what else the machine does falls on all."""
        for work in {id(work): work for work in works.values()}.values():
            self.stopwatch.round_s(work, self.callers_maximum)  # allocates; not counted
        seconds: dict[tuple[int, int], list[float]] = {key: [] for key in works}
        for key, work in [*works.items()] * ROUNDS:
            if self.clock() >= self.deadline_s:
                break
            seconds[key].append(self.stopwatch.round_s(work, key[1]))
        fewest = min(len(took) for took in seconds.values())
        if fewest < FEWEST_ROUNDS:
            raise NotMeasured(f"the time was up after {fewest} of {FEWEST_ROUNDS} rounds")
        return [
            Load(threads, callers, len(took), round(1000 * median(took), 3))
            for (threads, callers), took in seconds.items()
        ]


@dataclass(frozen=True, slots=True)
class Gain:
    """A candidate's times beside one thread's, measured in turns with it."""

    threads: int
    alone: float
    """One caller's time, as a share of one thread's."""
    loaded: float
    """Calls a second under full load, as a share of one thread's."""

    @classmethod
    def of(cls, compared: Sequence[Load]) -> Self:
        """`compared` has the loads of one thread and of the candidate."""
        threads = max(load.threads for load in compared)
        base = [load for load in compared if load.threads == 1]
        candidate = [load for load in compared if load.threads == threads]
        alone = _alone(candidate).round_ms / _alone(base).round_ms
        return cls(threads, alone, _busiest(candidate).per_second / _busiest(base).per_second)

    def is_worth_it(self, chosen_alone: float) -> bool:
        """More threads must answer one caller a tenth sooner than those chosen so far, and do at
        most LOSS_ALLOWED less than one thread under full load.
        """
        is_sooner = self.alone <= (1 - TOLERANCE) * chosen_alone
        return is_sooner and self.loaded >= 1 - LOSS_ALLOWED

    def told(self) -> str:
        """As a sentence."""
        return (
            f"{self.threads} threads take {self.alone:.0%} of one thread's time for one caller "
            f"and do {self.loaded:.0%} of its work under full load."
        )


def permits_for(loads: Sequence[Load]) -> int:
    """Return the fewest calls at once that finish within a tenth of the most calls a second."""
    most = max(load.per_second for load in loads)
    return min(load.callers for load in loads if load.per_second >= (1 - TOLERANCE) * most)


def _chosen(threads: int, loads: Sequence[Load], reason: str) -> Chosen:
    permits = permits_for([load for load in loads if load.threads == threads])
    return Chosen(threads, permits, f"{reason} {_told_permits(permits)}", tuple(loads))


def _alone(loads: Sequence[Load]) -> Load:
    return min(loads, key=lambda load: load.callers)


def _busiest(loads: Sequence[Load]) -> Load:
    return max(loads, key=lambda load: load.callers)


def _told_permits(permits: int) -> str:
    if permits == 1:
        return "More than one call at once finishes no more of them."
    return f"{permits} calls at once finish the most, within a tenth."
