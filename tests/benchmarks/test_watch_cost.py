"""benchmarks/watch_cost.py: it measures what it says."""

from pathlib import Path

import pytest

from benchmarks import watch_cost
from benchmarks.watch_cost import WatchCost, measure


async def test_every_cost_is_measured() -> None:
    """Greater than nothing, percentiles in order, a cached call dearer than the bare cache."""
    cost = await measure(200)
    assert 0 < cost.cached_call["p50"] <= cost.cached_call["p95"] <= cost.cached_call["p99"]
    assert 0 < cost.bare_cache_ms < cost.cached_call["p50"]
    assert min(cost.turn_ms, cost.stats_ms, cost.metrics_ms) > 0


@pytest.mark.parametrize(("p95_ms", "code"), [(0.19, 0), (0.21, 1)])
def test_it_fails_when_a_cached_call_costs_too_much(
    p95_ms: float, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The exit code tells whether the promise of 0.2 ms is kept."""

    async def measured(calls: int) -> WatchCost:
        return WatchCost({"p50": 0.1, "p95": p95_ms, "p99": 0.3}, 0.001, 0.1, 1.0, 1.0)

    monkeypatch.setattr(watch_cost, "measure", measured)
    monkeypatch.setattr("benchmarks.results.RESULTS_DIR", tmp_path)
    assert watch_cost.main([]) == code
