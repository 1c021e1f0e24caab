"""What looking on costs: the stage wrapper and metrics on a cached call, and each page of figures.

All in this process, without a network. `python -m benchmarks.watch_cost [--calls 20000]`
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.results import table, write_result
from server.cache.memory_tier import MemoryCache
from server.deadline import Deadline
from server.stage import Stage, StageLimits
from server.timeline import Segment
from server.watching.metrics import Metrics

LIMIT_MS = 0.2
"""The most that wrapper and metrics may add to a cached call."""
STAGES = ("stt", "search", "answer", "tts")
ROUNDS = 50


@dataclass(frozen=True, slots=True)
class WatchCost:
    """Milliseconds: of the clock for `cached_call` (p50, p95, p99), of the CPU for the others."""

    cached_call: dict[str, float]
    bare_cache_ms: float
    """The memory cache's own part of it."""
    turn_ms: float
    """Taking in one turn with all its segments."""
    stats_ms: float
    metrics_ms: float
    """Making the figures of /stats and /metrics, which happens on the event loop."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result. Returns 1 when a cached call costs more than LIMIT_MS."""
    parser = argparse.ArgumentParser(prog="benchmarks.watch_cost", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parsed = parser.parse_args(arguments)
    cost = asyncio.run(measure(parsed.calls))
    rows = [(f"cached call {name}", f"{value:.4f}") for name, value in cost.cached_call.items()]
    rows += [
        ("of it the bare cache", f"{cost.bare_cache_ms:.4f}"),
        ("taking in a turn", f"{cost.turn_ms:.4f}"),
        ("making /stats", f"{cost.stats_ms:.2f}"),
        ("making /metrics", f"{cost.metrics_ms:.2f}"),
    ]
    print(table([("cost", "ms"), *rows]))
    write_result(
        "watch_cost",
        {
            "calls": parsed.calls,
            "cached_call_ms": cost.cached_call,
            "bare_cache_ms": cost.bare_cache_ms,
            "turn_ms": cost.turn_ms,
            "stats_ms": cost.stats_ms,
            "metrics_ms": cost.metrics_ms,
        },
    )
    return 0 if cost.cached_call["p95"] <= LIMIT_MS else 1


async def measure(calls: int) -> WatchCost:
    """Time `calls` cached calls of one stage, then the pages over all series of a server."""
    metrics = Metrics()
    cache: MemoryCache[str] = MemoryCache(1 << 20, 3600, len)
    stage = Stage("tts", StageLimits(1, 8), cache, metrics)
    await stage.run("key", lambda: "value", Deadline.after(10))
    deadline = Deadline.after(600)
    taken_ms = []
    for _ in range(calls):
        started_at_s = time.perf_counter()
        await stage.run("key", str, deadline)
        taken_ms.append((time.perf_counter() - started_at_s) * 1000)
    stage.close()
    _fill(metrics)
    segments = {str(segment): 10.0 for segment in Segment}
    p50, p95, p99 = (round(float(value), 4) for value in np.percentile(taken_ms, [50, 95, 99]))
    return WatchCost(
        {"p50": p50, "p95": p95, "p99": p99},
        round(_median_ms(lambda: cache.get("key"), 2000), 5),
        round(_median_ms(lambda: metrics.observe_turn("answered", segments, 500.0), 500), 5),
        round(_median_ms(metrics.summary, ROUNDS), 3),
        round(_median_ms(metrics.render, ROUNDS), 3),
    )


def _fill(metrics: Metrics) -> None:
    """Give every series something to tell, as after an hour of use."""
    names = [*Segment, *(f"queue_{stage}" for stage in STAGES)]
    for number in range(200):
        metrics.observe_turn("answered", {str(name): number for name in names}, 300.0 + number)
        for stage in STAGES:
            metrics.observe_stage(stage, number)
            metrics.observe_queue(stage, number)
            metrics.count_cache(stage, is_hit=number % 4 > 0)
        metrics.observe_loop_lag(number / 10)


def _median_ms(work: Callable[[], object], rounds: int) -> float:
    taken_ms = []
    for _ in range(rounds):
        started_at_s = time.thread_time()
        work()
        taken_ms.append((time.thread_time() - started_at_s) * 1000)
    return median(taken_ms)


if __name__ == "__main__":
    raise SystemExit(main())
