"""The tiers below memory: what one stage's lookup finds in Redis or on disk, and what is written.

It decides no keys and runs no engines. docs/adr/0009-the-cache-ladder.md tells why a lookup is a
task and a flight is not.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from server.breaker import Breaker
from server.cache.codec import Codec, CodecError
from server.cache.disk_tier import DiskFull, DiskStore, DiskTally, DiskUnavailable
from server.cache.entry import BadEntry, is_fresh, seal, unseal
from server.cache.memory_tier import MemoryCache
from server.cache.metrics import CacheMetrics, Found, Tier
from server.cache.redis_tier import Lease, RedisBusy, RedisRefused, RedisTier, RedisUnavailable
from server.cache.writer import FLUSH_TIMEOUT_S, Write, Writer
from server.deadline import Deadline
from server.settings import Settings
from server.wall_clock import SteadyClock
from server.workers import Workers

Value = TypeVar("Value")
log = logging.getLogger(__name__)

WATCH_INTERVAL_S: Final = 1.0
DISK_GUARD_S: Final = 0.25
"""A disk that hangs costs one lookup this much; then it is left alone for DISK_PAUSE_S."""
DISK_PAUSE_S: Final = 5.0

LEASE_S: Final = 1.0
"""How long others wait for a process that makes the same value, and may have died."""
LEASE_SHARE: Final = 0.5
"""Of the time to the deadline: the rest is left for making the value here after all."""
POLL_S: Final = 0.01
SLOWEST_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Kept(Generic[Value]):
    """A value from a tier below memory, how old it is, and what making it took."""

    value: Value
    age_s: float
    cost_ms: float


@dataclass(frozen=True, slots=True)
class Looked(Generic[Value]):
    """What a lookup brought: a value, or perhaps the lease to make it."""

    kept: Kept[Value] | None = None
    lease: Lease | None = None


class Ladder:
    """The process's lower tiers. `run` writes and watches; `stop` ends everything it started.

    For one event loop, without locks; the disk is used on two threads of its own.
    """

    def __init__(
        self,
        redis: RedisTier | None,
        disk: DiskStore | None,
        metrics: CacheMetrics,
        keep_s: float,
        *,
        is_leasing: bool = True,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.redis = redis
        self.disk = disk
        self.metrics = metrics
        self.keep_s = keep_s
        self.is_leasing = is_leasing
        self.clock = clock or SteadyClock()
        self.disk_breaker = Breaker(DISK_PAUSE_S)
        self.readers = Workers("cache-read", 1)
        self.writer = Writer(redis, disk, metrics, keep_s)
        self._memories: dict[str, MemoryCache[Any]] = {}
        self._lookups: set[asyncio.Task[Any]] = set()
        self._epochs: dict[Tier, int] = {}

    def join(
        self, stage: str, kind: type[Value], memory: MemoryCache[Value]
    ) -> "LowerTiers[Value]":
        """Put the tiers below one stage's memory."""
        self.know(stage, memory)
        return LowerTiers(self, stage, Codec.of(kind), memory)

    def know(self, name: str, memory: MemoryCache[Any]) -> None:
        """Tell the size of this memory, and clear it when the cache is cleared."""
        self._memories[name] = memory

    async def run(self) -> None:
        """Write what is queued, watch for invalidations and for Redis, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.writer.run())
            group.create_task(self._watch())

    async def stop(self) -> None:
        """End the lookups, write what is queued, close connections, files and threads."""
        for task in self._lookups:
            task.cancel()
        await asyncio.gather(*self._lookups, return_exceptions=True)
        await self.writer.flush()
        if self.redis is not None:
            await self.redis.close()
        if self.disk is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_TIMEOUT_S):
                    await self.writer.workers.run(self.disk.close)
                    await self.readers.run(self.disk.close)
        self.readers.close()
        self.writer.workers.close()

    def spawn(
        self, work: Coroutine[Any, Any, Value], deliver: Callable[[Value | None], None]
    ) -> "asyncio.Task[Value]":
        """Run a lookup; `deliver` gets its result, None when it broke, nothing when cancelled."""
        task = asyncio.create_task(work)
        self._lookups.add(task)

        def ended(task: "asyncio.Task[Value]") -> None:
            self._lookups.discard(task)
            if task.cancelled():
                return
            error = task.exception()
            if error is not None:
                log.error("a cache lookup broke: %s", type(error).__name__, exc_info=error)
            deliver(None if error is not None else task.result())

        task.add_done_callback(ended)
        return task

    async def watch_once(self) -> None:
        """Ask each tier for its epoch; one that has changed empties the memory of all stages."""
        before = dict(self._epochs)
        if self.redis is not None:
            with suppress(RedisUnavailable):
                self._epochs[Tier.REDIS] = await self.redis.epoch()
            self.metrics.set_up(Tier.REDIS, is_up=self.redis.breaker.is_closed)
        if self.disk is not None:
            await self._watch_disk(self.disk)
        if any(self._epochs[tier] != epoch for tier, epoch in before.items()):
            for memory in self._memories.values():
                memory.clear()
        for stage, memory in self._memories.items():
            counts = memory.counts
            self.metrics.set_size(stage, Tier.MEMORY, counts.size_bytes, counts.evictions)

    async def _watch_disk(self, disk: DiskStore) -> None:
        try:
            self._epochs[Tier.DISK] = await self.writer.workers.run(disk.epoch)
            tallies = await self.writer.workers.run(disk.tallies)
        except (DiskUnavailable, DiskFull) as error:
            self.writer.note_disk_trouble(error)
            return
        for stage in self._memories:
            tally = tallies.get(stage, DiskTally())
            self.metrics.set_size(stage, Tier.DISK, tally.size_bytes, tally.evictions)
        self.metrics.set_up(Tier.DISK, is_up=not disk.is_paused)

    async def _watch(self) -> None:
        while True:
            await self.watch_once()
            await asyncio.sleep(WATCH_INTERVAL_S)


@dataclass(frozen=True, slots=True)
class LowerTiers(Generic[Value]):
    """The ladder as one stage sees it."""

    ladder: Ladder
    stage: str
    codec: Codec[Value]
    memory: MemoryCache[Value]

    def look(
        self, key: str, deadline: Deadline, deliver: Callable[[Looked[Value]], None]
    ) -> "asyncio.Task[Looked[Value]]":
        """Search Redis and disk, else take the lease or wait for who has it, then `deliver`.

        A cancelled lookup delivers nothing. It never takes more than LEASE_SHARE of the time to
        the deadline, and raises nothing.
        """
        return self.ladder.spawn(
            self._search(key, deadline), lambda looked: deliver(looked or Looked())
        )

    def store(self, key: str, value: Value, cost_ms: float, lease: Lease | None = None) -> None:
        """Have the value written to Redis and disk, and the lease given back after it."""
        self._queue(key, Kept(value, 0.0, cost_ms), lease, is_promotion=False)

    def _queue(
        self, key: str, kept: Kept[Value], lease: Lease | None, *, is_promotion: bool
    ) -> None:
        created_at_s = self.ladder.clock() - kept.age_s

        def encode() -> bytes:
            body = self.codec.encode(kept.value)
            return seal(key, self.codec.schema, body, created_at_s, kept.cost_ms)

        size_bytes = self.memory.size_of(kept.value)
        write = Write(key, encode, size_bytes, lease, is_promotion)
        if not self.ladder.writer.queue(write) and lease is not None:
            self.release(lease)

    def release(self, lease: Lease) -> None:
        """Let another process make the value, for it was not made here."""
        redis = self.ladder.redis
        if redis is not None:
            self.ladder.spawn(self._release(redis, lease), lambda nothing: None)

    async def _release(self, redis: RedisTier, lease: Lease) -> None:
        with suppress(RedisUnavailable):
            await redis.release(lease)

    async def _search(self, key: str, deadline: Deadline) -> Looked[Value]:
        redis = self.ladder.redis
        kept = await self._from_redis(redis, key) if redis is not None else None
        if kept is None and self.ladder.disk is not None:
            kept = await self._from_disk(self.ladder.disk, key)
            if kept is not None and redis is not None:
                self._queue(key, kept, None, is_promotion=True)
        if kept is not None or redis is None or not self.ladder.is_leasing:
            return Looked(kept)
        try:
            return await self._lease(redis, key, deadline)
        except RedisUnavailable:
            return Looked()

    async def _lease(self, redis: RedisTier, key: str, deadline: Deadline) -> Looked[Value]:
        """Take the lease, or wait for the value of who has it; neither once patience is over."""
        patience = Deadline.after(min(2 * LEASE_S, LEASE_SHARE * deadline.remaining_s))
        pause_s = POLL_S
        while True:
            lease = await redis.claim(key, LEASE_S)
            # Asked again with the lease too: who had it may just have written the value.
            kept = await self._from_redis(redis, key, is_repeated=True)
            if kept is not None and lease is not None:
                self.release(lease)
            if kept is not None:
                return Looked(kept)
            if lease is not None or patience.remaining_s == 0:
                return Looked(lease=lease)
            await asyncio.sleep(min(pause_s, patience.remaining_s))
            pause_s = min(SLOWEST_POLL_S, pause_s * 1.5)

    async def _from_redis(
        self, redis: RedisTier, key: str, *, is_repeated: bool = False
    ) -> Kept[Value] | None:
        if not redis.breaker.is_closed:
            self._count(Tier.REDIS, Found.SKIPPED, time.perf_counter())
            return None
        started_at_s = time.perf_counter()
        try:
            blob = await redis.get(key)
            kept = self._open(key, blob) if blob is not None else None
        except (BadEntry, RedisRefused):
            self._count(Tier.REDIS, Found.CORRUPT, started_at_s)
            with suppress(RedisUnavailable):
                await redis.delete(key)
            return None
        except RedisBusy:
            self._count(Tier.REDIS, Found.SKIPPED, started_at_s)
            return None
        except RedisUnavailable:
            self._count(Tier.REDIS, Found.ERROR, started_at_s)
            self.ladder.metrics.set_up(Tier.REDIS, is_up=False)
            return None
        if kept is not None or not is_repeated:
            self._count_kept(Tier.REDIS, kept, started_at_s)
        return kept

    async def _from_disk(self, disk: DiskStore, key: str) -> Kept[Value] | None:
        breaker = self.ladder.disk_breaker
        if not (breaker.is_closed or breaker.may_probe()):
            self._count(Tier.DISK, Found.SKIPPED, time.perf_counter())
            return None

        def read() -> Kept[Value] | None:
            blob = disk.get(key)
            return self._open(key, blob) if blob is not None else None

        started_at_s = time.perf_counter()
        try:
            async with asyncio.timeout(DISK_GUARD_S):
                kept = await self.ladder.readers.run(read)
        except BadEntry:
            breaker.succeeded()
            self._count(Tier.DISK, Found.CORRUPT, started_at_s)
            self.ladder.spawn(self._delete_from(disk, key), lambda nothing: None)
            return None
        except (DiskUnavailable, DiskFull, TimeoutError):
            breaker.failed()
            self._count(Tier.DISK, Found.ERROR, started_at_s)
            return None
        breaker.succeeded()
        self._count_kept(Tier.DISK, kept, started_at_s)
        return kept

    async def _delete_from(self, disk: DiskStore, key: str) -> None:
        with suppress(DiskUnavailable, DiskFull):
            await self.ladder.writer.workers.run(lambda: disk.delete(key))

    def _open(self, key: str, blob: bytes) -> Kept[Value] | None:
        """Raises BadEntry for what is not ours, whole and of this version; None when too old."""
        sealed = unseal(key, self.codec.schema, blob)
        now_s = self.ladder.clock()
        if not is_fresh(sealed, now_s, self.ladder.keep_s):
            return None
        try:
            value = self.codec.decode(sealed.body)
        except CodecError:
            raise BadEntry("undecodable") from None
        return Kept(value, sealed.age_s(now_s), sealed.cost_ms)

    def _count(self, tier: Tier, result: Found, started_at_s: float, saved_ms: float = 0.0) -> None:
        seconds = time.perf_counter() - started_at_s
        self.ladder.metrics.looked_up(self.stage, tier, result, seconds, saved_ms)

    def _count_kept(self, tier: Tier, kept: Kept[Value] | None, started_at_s: float) -> None:
        result = Found.MISS if kept is None else Found.HIT
        self._count(tier, result, started_at_s, 0.0 if kept is None else kept.cost_ms)


def build_ladder(settings: Settings, metrics: CacheMetrics) -> Ladder | None:
    """Open what the settings ask for; None for nothing. A disk that cannot be used is said once."""
    if not settings.cache_enabled:
        return None
    redis = RedisTier(settings.redis_url) if settings.redis_url else None
    clock, disk = SteadyClock(), None
    if settings.cache_disk:
        try:
            disk = DiskStore(settings.cache_dir, settings.cache_disk_bytes, clock)
        except DiskUnavailable as error:
            log.warning("No disk cache: %s", error)
    if redis is None and disk is None:
        return None
    is_leasing = settings.cache_lease
    return Ladder(redis, disk, metrics, settings.cache_keep_s, is_leasing=is_leasing, clock=clock)
