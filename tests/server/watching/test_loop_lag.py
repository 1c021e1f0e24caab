"""server/watching/loop_lag.py and its figure: a blocked event loop shows (fault 39)."""

import asyncio
import time

import pytest

from server.governor import SAMPLE_S, Governor
from server.permits import Cores
from server.watching.metrics import Metrics


@pytest.mark.parametrize("is_enabled", [True, False])
async def test_a_block_of_200_ms_shows_in_stats_and_metrics(is_enabled: bool) -> None:
    """At least its length less one sleep, in the minute's maximum and in the histogram; also where
    the governor gives nothing up.
    """
    metrics = Metrics()
    watch = asyncio.create_task(Governor(Cores(1), metrics, is_enabled).run())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(SAMPLE_S / 2, time.sleep, 0.2)
    async with asyncio.timeout(10):
        while metrics.loop_lag_ms() < 200 - SAMPLE_S * 1000:
            await asyncio.sleep(0.005)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    bucket = "parley_loop_lag_seconds_bucket"
    below = metrics.registry.get_sample_value(bucket, {"le": "0.05"})
    total = metrics.registry.get_sample_value("parley_loop_lag_seconds_count")
    assert below is not None
    assert total is not None
    assert total > below
