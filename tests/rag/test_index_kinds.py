from pathlib import Path

import pytest

from rag.index_kinds import (
    IndexLimits,
    IndexPolicy,
    Kind,
    Storage,
    cells_for,
    delta_limit,
    kind_for,
    memory_mb,
    plan_for,
)
from rag.index_measure import flat_limits
from rag.index_memory import memory_shortage

LIMITS = IndexLimits()


@pytest.mark.parametrize(
    ("size", "current", "kind"),
    [
        (0, None, Kind.FLAT),
        (9_999, None, Kind.FLAT),
        (10_000, None, Kind.IVF),
        (1_000_000, None, Kind.IVF),
        (1_000_001, None, Kind.HNSW),
        (12_499, Kind.FLAT, Kind.FLAT),
        (12_500, Kind.FLAT, Kind.IVF),
        (8_000, Kind.IVF, Kind.IVF),
        (7_999, Kind.IVF, Kind.FLAT),
        (1_250_000, Kind.IVF, Kind.IVF),
        (1_250_001, Kind.IVF, Kind.HNSW),
        (1_250_001, Kind.FLAT, Kind.HNSW),
        (1_100_000, Kind.FLAT, Kind.IVF),
        (800_001, Kind.HNSW, Kind.HNSW),
        (800_000, Kind.HNSW, Kind.IVF),
        (10, Kind.HNSW, Kind.FLAT),
    ],
)
def test_the_kind_follows_the_size_with_hysteresis(
    size: int, current: Kind | None, kind: Kind
) -> None:
    """A bound is crossed upwards at 1.25 and downwards at 0.8 of it."""
    assert kind_for(size, current, LIMITS) is kind


def test_the_storage_is_the_most_exact_that_the_memory_allows() -> None:
    """Less memory, shorter codes; a million vectors fit into the default in one byte a value."""
    storages = [
        plan_for(Kind.IVF, 1_000_000, 384, IndexLimits(memory_mb=budget)).storage
        for budget in (2000, 1000, 600, 100)
    ]
    assert storages == list(Storage)
    assert plan_for(Kind.IVF, 1_000_000, 384, LIMITS).storage is Storage.SQ8
    assert memory_mb(Kind.IVF, Storage.SQ8, 1_000_000, 384) < 600
    assert plan_for(Kind.HNSW, 1_300_000, 384, LIMITS).factory == "HNSW32,SQ8"


def test_the_cells_grow_with_the_root_of_the_size() -> None:
    """Within bounds: a handful of passages get eight, and training does not get out of hand."""
    assert [cells_for(size) for size in (0, 100, 10_000, 100_000, 10**6, 10**8)] == [
        8, 64, 512, 2048, 4096, 4096,
    ]  # fmt: skip


def test_what_may_wait_beside_a_snapshot_is_bounded_both_ways() -> None:
    """By a share of it, and by what an exact search bears."""
    assert [delta_limit(size, LIMITS) for size in (100, 20_000, 1_000_000)] == [
        1_000,
        5_000,
        10_000,
    ]


def test_too_little_memory_is_foreseen_and_said(tmp_path: Path) -> None:
    """With what is needed and what there is; enough is nothing to say."""
    source = tmp_path / "meminfo"
    source.write_text("MemTotal: 900000 kB\nMemAvailable: 512000 kB\n")
    told = memory_shortage(Kind.IVF, 1_000_000, 384, LIMITS, source, tmp_path)
    assert "500 MB are available" in told
    assert memory_shortage(Kind.IVF, 1_000, 384, LIMITS, source, tmp_path) == ""
    absent = source.with_name("absent")
    assert memory_shortage(Kind.IVF, 1_000_000, 384, LIMITS, absent, tmp_path) == ""


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    """The system tells what the whole machine has; files that are only cached are given up."""
    source = tmp_path / "meminfo"
    source.write_text("MemAvailable: 64000000 kB\n")
    (tmp_path / "memory.max").write_text(f"{1000 * 2**20}\n")
    (tmp_path / "memory.current").write_text(f"{900 * 2**20}\n")
    (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {200 * 2**20}\n")
    told = memory_shortage(Kind.IVF, 1_000_000, 384, LIMITS, source, tmp_path)
    assert "300 MB are available" in told
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_shortage(Kind.IVF, 1_000_000, 384, LIMITS, source, tmp_path) == ""


def test_the_measured_policy_puts_the_bound_where_exact_search_keeps_the_budget() -> None:
    """More time allowed, a higher bound, but never more than the memory holds."""

    def bound(latency_ms: float, memory: int = 600) -> int:
        limits = IndexLimits(policy=IndexPolicy.MEASURED, latency_ms=latency_ms, memory_mb=memory)
        return flat_limits(limits, 64).flat_max

    assert bound(0.001) < bound(10)
    assert bound(1e6, memory=16) == 16 * 2**20 // (4 * 64)
    assert flat_limits(LIMITS, 64) == LIMITS
