"""Foresees whether the old and the new index fit into memory together. It frees none."""

from pathlib import Path

from rag.index_build import TRAINING_VECTORS_PER_CELL
from rag.index_kinds import IndexLimits, Kind, memory_mb, plan_for

PROCESS_MB = 200
"""What a building process takes before it holds a vector, and its blocks of them."""

MEMORY_INFO = Path("/proc/meminfo")


def build_mb(kind: Kind, size: int, dimension: int, limits: IndexLimits) -> float:
    """What a build holds at most: the index, and the vectors that it is trained with."""
    plan = plan_for(kind, size, dimension, limits)
    training = 4 * dimension * max(20_000, TRAINING_VECTORS_PER_CELL * plan.cells) / 2**20
    return PROCESS_MB + training + memory_mb(plan.kind, plan.storage, size, dimension)


def available_mb(source: Path = MEMORY_INFO) -> float | None:
    """What the system could still give, or None where it does not say."""
    try:
        for line in source.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return None
    return None


def memory_shortage(
    kind: Kind, size: int, dimension: int, limits: IndexLimits, source: Path = MEMORY_INFO
) -> str:
    """A sentence when old index, build and new index do not fit together; "" when they do.

    The old one is resident already; the build's and, at the swap, the new one's come on top.
    """
    available = available_mb(source)
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
