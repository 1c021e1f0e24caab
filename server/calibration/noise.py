"""How much of this process's cores other programs took while something was measured.

A busy machine makes medians lie (one thread looked 2.7 times slower than two, beside six other
programs on two cores): such a record is kept and shown, but not used. It measures no engine.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_OTHERS: Final = 0.25
"""Share of the cores that others may take: with half a core of two gone, two callers still show
what they gain."""
_BUSY_FIELDS: Final = (0, 1, 2, 5, 6, 7)
"""Of a line of /proc/stat: user, nice, system, irq, softirq, steal."""


@dataclass(frozen=True, slots=True)
class Processors:
    """A reading in seconds; `busy_s` over the usable cores since boot is None where none tells."""

    at_s: float
    busy_s: float | None
    own_s: float


def read_processors(path: Path = Path("/proc/stat")) -> Processors:
    """Read the clocks of the machine, of its cores and of this process."""
    busy_s = None
    if hasattr(os, "sched_getaffinity"):
        busy_s = _busy_s(path, os.sched_getaffinity(0))
    return Processors(time.monotonic(), busy_s, time.process_time())


def others_cores(before: Processors, after: Processors) -> float | None:
    """Cores that others took between the readings; None where the machine does not tell."""
    if before.busy_s is None or after.busy_s is None:
        return None
    took_s = max(after.at_s - before.at_s, 1e-3)
    others_s = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    return round(max(0.0, others_s) / took_s, 2)


def is_quiet(others: float | None, cores: int) -> bool:
    """Whether a measurement beside so much other work is one; what is not known is believed."""
    return others is None or others <= MOST_OTHERS * cores


def _busy_s(path: Path, cores: Iterable[int]) -> float | None:
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return None
    wanted = {f"cpu{core}" for core in cores}
    counts = [line[1:] for line in lines if line and line[0] in wanted]
    ticks = sum(int(count[place]) for count in counts for place in _BUSY_FIELDS)
    return ticks / os.sysconf("SC_CLK_TCK")
