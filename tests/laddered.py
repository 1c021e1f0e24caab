"""Stages over a real ladder: Redis and disk below memory. Used by the tests of the cache."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.tts import Speech
from server.cache.disk_tier import DiskStore
from server.cache.ladder import Ladder
from server.cache.memory_tier import MemoryCache
from server.cache.metrics import Found, Tier
from server.cache.redis_tier import RedisTier
from server.deadline import Deadline
from server.stage import Stage, StageLimits, StageResult
from server.watching.metrics import Metrics

MEMORY_BYTES = 10_000_000
GENEROUS_GUARD_S = 2.0
"""So that a busy machine does not look like a dead Redis."""


class Clock:
    """Seconds that stand still until moved."""

    def __init__(self, now_s: float = 1_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def make_speech(sentence: str) -> Speech:
    """A sound that differs from sentence to sentence."""
    samples = np.arange(len(sentence) * 100, dtype=np.int16)
    return Speech(samples, 16_000, "fake", (len(samples),))


@dataclass(slots=True)
class Process:
    """What one server process has: a stage, its ladder, and a count of what really ran."""

    stage: Stage[Speech]
    ladder: Ladder
    metrics: Metrics
    spoken: list[str] = field(default_factory=list)

    async def speak(self, sentence: str, deadline_s: float = 10) -> StageResult[Speech]:
        """Ask for one sentence; the work is noted."""

        def work() -> Speech:
            self.spoken.append(sentence)
            return make_speech(sentence)

        return await self.stage.run(key_of(sentence), work, Deadline.after(deadline_s))

    def count(self, tier: Tier, result: Found) -> int:
        tally = self.metrics.cache.tallies.get(("tts", tier))
        return 0 if tally is None else tally.results[result]

    def forget(self) -> None:
        """Empty the memory, as a new start would."""
        self.stage.cache.clear()

    async def settle(self) -> None:
        """Wait until everything that was queued is written."""
        await self.ladder.writer.flush()


def key_of(sentence: str) -> str:
    return f"tts:voice:1:{sentence.replace(' ', '_')}"


MakeDisk = Callable[[], DiskStore]


@asynccontextmanager
async def process(
    folder: Path | None = None,
    redis_url: str = "",
    *,
    disk_bytes: int = 10_000_000,
    clock: Callable[[], float] | None = None,
    keep_s: float = 1000.0,
    is_watching: bool = False,
    guard_s: float = GENEROUS_GUARD_S,
) -> AsyncIterator[Process]:
    """Nothing is written before `settle`, and nothing watched, unless `is_watching`."""
    metrics = Metrics()
    disk = None
    if folder is not None:
        disk = DiskStore(folder, disk_bytes, clock) if clock else DiskStore(folder, disk_bytes)
    redis = RedisTier(redis_url, guard_s) if redis_url else None
    ladder = Ladder(redis, disk, metrics.cache, keep_s, clock=clock)
    memory: MemoryCache[Speech] = MemoryCache(MEMORY_BYTES, 60, lambda it: it.samples.nbytes)
    lower = ladder.join("tts", Speech, memory)
    stage: Stage[Speech] = Stage("tts", StageLimits(2, 200), memory, metrics, None, lower)
    running = asyncio.create_task(ladder.run()) if is_watching else None
    try:
        yield Process(stage, ladder, metrics)
    finally:
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await ladder.stop()
        stage.close()
        assert stage.join(5)
