"""One stage of speech over a real ladder, for the benchmarks of the cache. It measures nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.tts import Speech
from server.cache.disk_tier import DiskStore
from server.cache.ladder import Ladder
from server.cache.memory_tier import MemoryCache
from server.cache.redis_tier import RedisTier
from server.stage import Stage, StageLimits
from server.watching.metrics import Metrics

KEEP_S = 3600.0


@dataclass(frozen=True, slots=True)
class Stand:
    """A stage whose ladder writes and watches as in a server."""

    stage: Stage[Speech]
    ladder: Ladder


def speech_of(size_bytes: int) -> Speech:
    """Noise, which nothing compresses."""
    noise = np.random.default_rng(1).integers(-20_000, 20_000, size_bytes // 2)
    return Speech(noise.astype(np.int16), 22_050, "noise")


@asynccontextmanager
async def stand(folder: Path | None, redis_url: str) -> AsyncIterator[Stand]:
    """Run a ladder of the tiers that are given."""
    metrics = Metrics()
    disk = DiskStore(folder, 1 << 30) if folder is not None else None
    redis = RedisTier(redis_url) if redis_url else None
    ladder = Ladder(redis, disk, metrics.cache, KEEP_S)
    memory: MemoryCache[Speech] = MemoryCache(1 << 30, KEEP_S, lambda it: it.samples.nbytes)
    lower = ladder.join("tts", Speech, memory)
    stage: Stage[Speech] = Stage("tts", StageLimits(2, 256), memory, metrics, None, lower)
    running = asyncio.create_task(ladder.run())
    try:
        yield Stand(stage, ladder)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await ladder.stop()
        stage.close()
