"""Foresees whether the old and the new index fit into memory together. It frees none."""

from pathlib import Path

from rag.index_build import TRAINING_VECTORS_PER_CELL
from rag.index_kinds import IndexLimits, Kind, memory_mb, plan_for

PROCESS_MB = 200
"""What a building process takes before it holds a vector, and its blocks of them."""

MEMORY_INFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")
"""A container's own limit; the system's figures are those of the whole machine."""


def build_mb(kind: Kind, size: int, dimension: int, limits: IndexLimits) -> float:
    """What a build holds at most: the index, and the vectors that it is trained with."""
    plan = plan_for(kind, size, dimension, limits)
    training = 4 * dimension * max(20_000, TRAINING_VECTORS_PER_CELL * plan.cells) / 2**20
    return PROCESS_MB + training + memory_mb(plan.kind, plan.storage, size, dimension)


def available_mb(source: Path = MEMORY_INFO, group: Path = CONTROL_GROUP) -> float | None:
    """What the system and the container could still give, or None where neither says."""
    left = [free for free in (_system_mb(source), _group_mb(group)) if free is not None]
    return min(left, default=None)


def _system_mb(source: Path) -> float | None:
    try:
        for line in source.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return None
    return None


def _group_mb(group: Path) -> float | None:
    """The limit less what is held; cached files that nobody reads any more are given up first."""
    try:
        limit, held = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = (group / "memory.stat").read_text()
        cached = next(
            int(line.split()[1]) for line in stat.splitlines() if line.startswith("inactive_file ")
        )
    except (OSError, ValueError, StopIteration):
        return None
    return max(0, limit - held + cached) / 2**20


def memory_shortage(
    kind: Kind,
    size: int,
    dimension: int,
    limits: IndexLimits,
    source: Path = MEMORY_INFO,
    group: Path = CONTROL_GROUP,
) -> str:
    """A sentence when old index, build and new index do not fit together; "" when they do.

    The old one is resident already; the build's and, at the swap, the new one's come on top.
    """
    available = available_mb(source, group)
    plan = plan_for(kind, size, dimension, limits)
    needed = build_mb(kind, size, dimension, limits)
    needed += memory_mb(plan.kind, plan.storage, size, dimension)
    if available is None or needed <= available:
        return ""
    return (
        f"A new index ({plan.factory}, {size} passages) needs {needed:.0f} MB beside the present "
        f"one and {available:.0f} MB are available, so none is built. Free memory, or lower "
        "PARLEY_INDEX_MEMORY_MB."
    )
