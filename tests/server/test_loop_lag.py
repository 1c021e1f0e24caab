"""server/loop_lag.py and its figure: a blocked event loop shows (fault 39)."""

import asyncio
import time

from server.loop_lag import PERIOD_S, watch_loop_lag
from server.metrics import Metrics


async def test_a_block_of_200_ms_shows_in_stats_and_metrics() -> None:
    """At least its length less one period, in the maximum of the minute and in the histogram."""
    metrics = Metrics()
    looked = asyncio.Event()

    def observe(lag_ms: float) -> None:
        metrics.observe_loop_lag(lag_ms)
        looked.set()

    watch = asyncio.create_task(watch_loop_lag(observe))
    await looked.wait()
    asyncio.get_running_loop().call_soon(time.sleep, 0.2)
    async with asyncio.timeout(10):
        while metrics.loop_lag_ms() < 200 - PERIOD_S * 1000:
            looked.clear()
            await looked.wait()
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    above = [
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "parley_loop_lag_seconds_bucket" and sample.labels["le"] == "0.1"
    ]
    total = metrics.registry.get_sample_value("parley_loop_lag_seconds_count")
    assert total is not None
    assert total > above[0]
