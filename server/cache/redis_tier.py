"""The Redis tier: every call guarded by time, none repeated, and a breaker round all of them.

It knows bytes under keys, not values. Redis may be one server, a cluster or behind sentinels.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from server.breaker import Breaker
from server.cache.key import EPOCH_KEY, LEASE, PREFIX, stage_of
from server.cache.redis_address import RedisAddress, parse_redis_url

Result = TypeVar("Result")
log = logging.getLogger(__name__)

GUARD_S: Final = 0.05
"""redis-py's own defaults cost 3.8 s a lookup when Redis is killed and never answer when it is
frozen (measured); this is what one lookup may cost a turn, once."""

LATE_S: Final = 0.02
"""A guard that ends this late shows that the event loop was busy, not that Redis is."""

CALLS_AT_ONCE: Final = 8
"""More calls than these wait for a connection, within the same guard."""

SWEEP_GUARD_S: Final = 30.0
"""For commands of the command line that read all keys."""

_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"

FAILURES: Final = (
    *(RedisError, RedisClusterException, OSError, TimeoutError),
    *(ValueError, TypeError, AttributeError, LookupError, RecursionError),
)
"""What a dead, frozen or foreign server makes redis-py raise; the second row is what its parser
raises when it is sent garbage."""


class RedisUnavailable(Exception):
    """Not asked because the breaker is open, or asked in vain."""


class RedisBusy(RedisUnavailable):
    """All connections, or the event loop, were in use for the whole guard: no fault of Redis."""


class RedisRefused(RedisUnavailable):
    """It lives and answers, but not this: a key of another kind, no memory left, a replica."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to make a value, for a short while, among all processes that share the Redis."""

    key: str
    token: str


class RedisTier:
    """One per process, for one event loop. `close` ends its connections."""

    def __init__(self, url: str, guard_s: float = GUARD_S, breaker: Breaker | None = None) -> None:
        """`url` as in server/cache/redis_address.py. Connects at the first call."""
        self.breaker = breaker or Breaker()
        self._guard_s = guard_s
        self._address = parse_redis_url(url)
        self._made: Any = None
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)

    @property
    def _client(self) -> Any:
        """Made on the event loop that uses it."""
        if self._made is None:
            self._made = make_client(self._address, self._guard_s)
        return self._made

    async def get(self, key: str) -> bytes | None:
        """Return the bytes, or None. Raises RedisUnavailable; RedisRefused for another's key."""
        return await self._call(lambda: self._get(PREFIX + key))

    async def put(self, key: str, blob: bytes, keep_s: float) -> None:
        """Keep the bytes that long. Raises RedisUnavailable."""
        await self._call(lambda: self._client.set(PREFIX + key, blob, px=int(keep_s * 1000)))

    async def delete(self, key: str) -> None:
        """Forget one key. Raises RedisUnavailable."""
        await self._call(lambda: self._client.delete(PREFIX + key))

    async def claim(self, key: str, lease_s: float) -> Lease | None:
        """Take the lease on a key, or return None while another has it. Raises RedisUnavailable."""
        lease = Lease(f"{PREFIX}{LEASE}:{key}", secrets.token_hex(8))
        if await self._call(lambda: self._take(lease, lease_s)):
            return lease
        # Held, then, or just run out, or nothing that is answered here means anything.
        if await self._call(lambda: self._get(lease.key)) is not None:
            return None
        if await self._call(lambda: self._take(lease, lease_s)):
            return lease
        raise RedisUnavailable("a lease is neither free nor held")

    async def release(self, lease: Lease) -> None:
        """Give the lease back, unless it ran out and is another's. Raises RedisUnavailable."""
        await self._call(lambda: self._client.eval(_RELEASE, 1, lease.key, lease.token))

    async def epoch(self) -> int:
        """Return how often something was invalidated. Tries an open breaker when it is time.

        Raises RedisUnavailable.
        """
        is_probe = self.breaker.may_probe()
        found = await self._call(lambda: self._get(EPOCH_KEY), is_probe=is_probe)
        return int(found) if found and found.isdigit() else 0

    async def invalidate(self, pattern: str) -> int:
        """Delete the cached values whose keys match the glob and tell the servers; return how many.

        Conversations that are kept for their clients, histories and leases are no cached values.
        Raises one of FAILURES.
        """
        count = 0
        async with asyncio.timeout(SWEEP_GUARD_S):
            async for key in self._client.scan_iter(match=PREFIX + pattern, count=500):
                if stage_of(bytes(key).decode(errors="replace")) is not None:
                    count += await self._client.delete(key)
            await self._client.incr(EPOCH_KEY)
        return count

    async def count(self) -> dict[str, int]:
        """Return the number of cached values by stage. Raises one of FAILURES."""
        counts: dict[str, int] = {}
        async with asyncio.timeout(SWEEP_GUARD_S):
            async for key in self._client.scan_iter(match=f"{PREFIX}*:*", count=500):
                if stage := stage_of(bytes(key).decode(errors="replace")):
                    counts[stage] = counts.get(stage, 0) + 1
        return counts

    async def close(self) -> None:
        """Close the connections, at most the guard's time long."""
        if self._made is None:
            return
        try:
            async with asyncio.timeout(self._guard_s):
                await self._made.aclose()
                pool = getattr(self._made, "connection_pool", None)
                manager = getattr(pool, "sentinel_manager", None)
                for sentinel in manager.sentinels if manager is not None else ():
                    await sentinel.aclose()
        except FAILURES:
            return

    async def _get(self, key: str) -> bytes | None:
        found = await self._client.get(key)
        if found is None or isinstance(found, bytes):
            return found
        raise ValueError("neither bytes nor nothing")

    async def _take(self, lease: Lease, lease_s: float) -> bool:
        milliseconds = int(lease_s * 1000)
        taken = await self._client.set(lease.key, lease.token, nx=True, px=milliseconds)
        if taken is None or taken is True:
            return taken is True
        raise ValueError("neither taken nor held")

    async def _call(
        self, command: Callable[[], Awaitable[Result]], *, is_probe: bool = False
    ) -> Result:
        if not (self.breaker.is_closed or is_probe):
            raise RedisUnavailable("the breaker is open")
        is_asked, started_at_s = False, time.monotonic()
        cancels = _cancels()
        try:
            async with asyncio.timeout(self._guard_s), self._slots:
                is_asked = True
                result = await command()
        except FAILURES as error:
            _raise_if_cancelled(cancels)
            is_late = time.monotonic() - started_at_s > self._guard_s + LATE_S
            if (is_late or not is_asked) and not is_probe:
                raise RedisBusy from None
            if _is_refusal(error):
                raise RedisRefused(type(error).__name__) from None
            self._note_failure(error)
            raise RedisUnavailable(type(error).__name__) from None
        except asyncio.CancelledError:
            if is_probe:
                self.breaker.failed()
            raise
        _raise_if_cancelled(cancels)
        self._note_success()
        return result

    def _note_failure(self, error: BaseException) -> None:
        if self.breaker.is_closed:
            log.warning("Redis does not serve (%s): left alone for now", type(error).__name__)
        self.breaker.failed()

    def _note_success(self) -> None:
        if not self.breaker.is_closed:
            log.warning("Redis serves again")
        self.breaker.succeeded()


def _cancels() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _raise_if_cancelled(before: int) -> None:
    """A cancel that meets a timeout inside the library can get lost in it; the task must end."""
    if _cancels() > before:
        raise asyncio.CancelledError


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(("WRONGTYPE", "MISCONF"))


def make_client(address: RedisAddress, guard_s: float = GUARD_S) -> Any:
    """Return a client that never retries and never waits longer than its guard to connect."""
    options: dict[str, Any] = {
        "socket_timeout": 2 * guard_s,
        "socket_connect_timeout": guard_s,
        "retry": Retry(NoBackoff(), 0),
        # Two round trips fewer for each new connection, which is made within the guard.
        "protocol": 2,
        "driver_info": None,
    }
    if address.url:
        return Redis.from_url(address.url, max_connections=2 * CALLS_AT_ONCE, **options)
    login: dict[str, Any] = {"username": address.username, "password": address.password}
    if not address.service:
        nodes = [ClusterNode(host, port) for host, port in address.nodes]
        return RedisCluster(startup_nodes=nodes, **login, **options)
    sentinel: Any = Sentinel(list(address.nodes), sentinel_kwargs=options)  # type: ignore[no-untyped-call]
    return sentinel.master_for(address.service, db=address.database, **login, **options)
