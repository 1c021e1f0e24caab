"""Writes values to Redis and disk behind a bounded queue: no turn ever waits for a write.

It looks nothing up; server/cache/ladder.py does.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from server.cache.disk_tier import DiskFull, DiskStore, DiskUnavailable
from server.cache.metrics import CacheMetrics, Tier, Written
from server.cache.redis_tier import Lease, RedisTier, RedisUnavailable
from server.workers import Workers

log = logging.getLogger(__name__)

QUEUED_WRITES: Final = 256
QUEUED_BYTES: Final = 32 << 20
FLUSH_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Write:
    """One value on its way down. `encode` gives its envelope, in a thread."""

    key: str
    encode: Callable[[], bytes]
    size_bytes: int
    lease: Lease | None
    is_promotion: bool
    """It came from disk, so that only Redis lacks it."""


class Writer:
    """One queue for the process, for one event loop; encoding and disk on a thread of its own."""

    def __init__(
        self, redis: RedisTier | None, disk: DiskStore | None, metrics: CacheMetrics, keep_s: float
    ) -> None:
        self.workers = Workers("cache-write", 1)
        self._redis = redis
        self._disk = disk
        self._metrics = metrics
        self._keep_s = keep_s
        self._queue: asyncio.Queue[Write] = asyncio.Queue(QUEUED_WRITES)
        self._queued_bytes = 0
        self._is_trouble_told = False

    async def drained(self) -> None:
        """Return when all that was queued is written; `run` must be running."""
        await self._queue.join()

    def queue(self, write: Write) -> bool:
        """Take a value; False when too many or too much waits: it is dropped and counted, and its
        lease is still held.
        """
        if self._queued_bytes + write.size_bytes > QUEUED_BYTES or self._queue.full():
            for tier, it in ((Tier.REDIS, self._redis), (Tier.DISK, self._disk)):
                if it is not None:
                    self._metrics.wrote(tier, Written.DROPPED)
            return False
        self._queued_bytes += write.size_bytes
        self._queue.put_nowait(write)
        return True

    async def run(self) -> None:
        """Write what is queued until cancelled; what was being written is left to `flush`."""
        while True:
            write = await self._queue.get()
            try:
                await self._write(write)
            except asyncio.CancelledError:
                self.queue(write)
                raise

    async def flush(self) -> None:
        """Write what is queued now, within FLUSH_TIMEOUT_S; for when `run` has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                while not self._queue.empty():
                    await self._write(self._queue.get_nowait())

    def note_disk_trouble(self, error: Exception) -> None:
        """Say it once until a write works again."""
        self._metrics.set_up(Tier.DISK, is_up=False)
        if not self._is_trouble_told:
            self._is_trouble_told = True
            what = "is full" if isinstance(error, DiskFull) else f"does not work ({error})"
            log.warning("The disk cache %s: it takes no writes for now", what)

    async def _write(self, write: Write) -> None:
        """Redis first: another process may be waiting for it there."""
        self._queued_bytes -= write.size_bytes
        try:
            await self._put(write)
        finally:
            self._queue.task_done()

    async def _put(self, write: Write) -> None:
        try:
            blob = await self.workers.run(write.encode)
        except (ValueError, TypeError, AttributeError) as error:
            log.error("a value cannot be cached: %s", type(error).__name__, exc_info=error)
            await self._give_back(write.lease)
            return
        if self._redis is not None:
            await self._write_redis(self._redis, write, blob)
        if self._disk is not None and not write.is_promotion:
            await self._write_disk(self._disk, write.key, blob)

    async def _write_redis(self, redis: RedisTier, write: Write, blob: bytes) -> None:
        if not redis.breaker.is_closed:
            self._metrics.wrote(Tier.REDIS, Written.PAUSED)
            return
        try:
            await redis.put(write.key, blob, self._keep_s)
            self._metrics.wrote(Tier.REDIS, Written.STORED)
        except RedisUnavailable:
            self._metrics.wrote(Tier.REDIS, Written.FAILED)
        await self._give_back(write.lease)

    async def _give_back(self, lease: Lease | None) -> None:
        """Let another process make what this one did not write; else it waits for nothing."""
        if lease is not None and self._redis is not None:
            with suppress(RedisUnavailable):
                await self._redis.release(lease)

    async def _write_disk(self, disk: DiskStore, key: str, blob: bytes) -> None:
        try:
            is_stored = await self.workers.run(lambda: disk.put(key, blob, self._keep_s))
        except (DiskUnavailable, DiskFull) as error:
            self.note_disk_trouble(error)
            self._metrics.wrote(Tier.DISK, Written.FAILED)
            return
        self._is_trouble_told = self._is_trouble_told and not is_stored
        self._metrics.wrote(Tier.DISK, Written.STORED if is_stored else Written.PAUSED)
