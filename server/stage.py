"""One stage of a turn: cache, single flight, permit and deadline round any blocking engine call.

It knows nothing of what the work is. See docs/adr/0003-stage-flights.md for why a flight is not a
task.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from server.cache.ladder import Looked, LowerTiers
from server.cache.memory_tier import MemoryCache
from server.cache.metrics import Found, Tier
from server.cache.redis_tier import Lease
from server.deadline import Deadline
from server.errors import StageBusy, StageError, StageFailed, StageTimeout
from server.permits import Cores, Permits, QueueFull, Ticket
from server.watching.metrics import Metrics
from server.workers import Workers

Value = TypeVar("Value")
log = logging.getLogger(__name__)

TYPICAL_SHARE = 1 / 12
"""What one run counts in `Stage.typical_ms`."""


@dataclass(frozen=True, slots=True)
class StageResult(Generic[Value]):
    """What a stage gave and what it cost the caller."""

    value: Value
    is_hit: bool
    queue_ms: float
    """Time until a permit was granted, of the time that this caller waited."""
    run_ms: float
    """Time in the thread; 0 for a cache hit."""


@dataclass(slots=True, eq=False)
class _Flight(Generic[Value]):
    """One piece of work, asked for by one or more callers."""

    key: str | None
    future: asyncio.Future[Value]
    work: Callable[[], Value]
    needed: Deadline
    waiters: int = 0
    lookup: asyncio.Task[Looked[Value]] | None = None
    """The search of the tiers below memory; None before and after it."""
    lease: Lease | None = None
    is_hit: bool = False
    """The value came from a tier below memory."""
    ticket: Ticket | None = None
    started_at_s: float | None = None
    run_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class StageLimits:
    """How much one stage may do at once and how much may wait for it."""

    permits: int
    queue_limit: int


@dataclass(slots=True)
class Stage(Generic[Value]):
    """Runs blocking work on the stage's own threads, at most `limits.permits` at once."""

    name: str
    limits: StageLimits
    cache: MemoryCache[Value]
    metrics: Metrics
    cores: Cores | None = None
    """What it shares with other stages whose work keeps a core busy."""
    lower: LowerTiers[Value] | None = None
    """Redis and disk; None without them."""
    typical_ms: float = field(init=False, default=0.0)
    """What a run takes: an average that follows the last dozen; 0 before the first."""
    permits: Permits = field(init=False)
    _workers: Workers = field(init=False)
    _flights: dict[str, _Flight[Value]] = field(init=False, default_factory=dict)
    _looking: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.permits = Permits(self.limits.permits, self.limits.queue_limit, self.cores)
        self._workers = Workers(self.name, self.limits.permits)

    async def run(
        self,
        key: str | None,
        work: Callable[[], Value],
        deadline: Deadline,
        *,
        needed: Deadline | None = None,
        is_counted: bool = True,
    ) -> StageResult[Value]:
        """Return the cached value, join the same work in flight, or run it; None is never cached.

        What memory lacks is looked for in the tiers below, once for all who wait for it.

        The line is ordered by `needed`, when the result is wanted; past `deadline` it is given up.
        A lookup that repeats one made ahead for the same turn is not counted again.

        Raises StageBusy when the queue is full, StageTimeout past the deadline, StageFailed when
        the work raised. A cancelled or late caller leaves at once: work that still waits and that
        nobody else wants leaves the line; work that runs keeps its permit until its thread ends.
        """
        cached = None if key is None else self._look_in_memory(key, is_counted)
        is_hit = cached is not None
        try:
            if cached is not None:
                return StageResult(cached, True, 0.0, 0.0)
            flight = self._flights.get(key) if key is not None else None
            flight = flight or self._launch(key, work, needed or deadline, deadline)
            result = await self._wait(flight, deadline)
            is_hit = result.is_hit
            return result
        finally:
            if key is not None and is_counted:
                self.metrics.count_cache(self.name, is_hit=is_hit)

    def resize(self, limits: StageLimits) -> None:
        """Run and line up as many as that from now on; threads are added and never taken away."""
        self.limits = limits
        self._workers.grow_to(limits.permits)
        self.permits.resize(limits.permits, limits.queue_limit)

    def close(self) -> None:
        """Let the threads end once their work is done."""
        self._workers.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads of a closed stage; False when one still runs."""
        return self._workers.join(timeout_s)

    async def _wait(self, flight: _Flight[Value], deadline: Deadline) -> StageResult[Value]:
        joined_at_s = time.monotonic()
        flight.waiters += 1
        try:
            async with asyncio.timeout(deadline.remaining_s):
                value = await asyncio.shield(flight.future)
        except TimeoutError:
            self.metrics.count_stage_error(self.name, StageTimeout.code)
            self._give_up_core(flight)
            raise StageTimeout(
                self.name, f"The {self.name} stage did not finish in time."
            ) from None
        finally:
            flight.waiters -= 1
            self._abandon_if_unwanted(flight)
        queue_ms = max(0.0, ((flight.started_at_s or joined_at_s) - joined_at_s) * 1000)
        return StageResult(value, flight.is_hit, queue_ms, flight.run_ms)

    def _look_in_memory(self, key: str, is_counted: bool) -> Value | None:
        saved_ms, started_at_s = self.cache.counts.saved_ms, time.perf_counter()
        value = self.cache.get(key, is_counted=is_counted)
        if is_counted:
            result = Found.MISS if value is None else Found.HIT
            seconds = time.perf_counter() - started_at_s
            saved_ms = self.cache.counts.saved_ms - saved_ms
            self.metrics.cache.looked_up(self.name, Tier.MEMORY, result, seconds, saved_ms)
        return value

    def _launch(
        self, key: str | None, work: Callable[[], Value], needed: Deadline, deadline: Deadline
    ) -> _Flight[Value]:
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        flight: _Flight[Value] = _Flight(key, future, work, needed)
        future.add_done_callback(_retrieve_error)
        # More lookups than may wait for a permit would be a second queue.
        if key is None or self.lower is None or self._looking >= self.limits.queue_limit:
            self._request(flight)
        else:
            self._looking += 1
            flight.lookup = self.lower.look(key, deadline, lambda it: self._looked(flight, it))
            flight.lookup.add_done_callback(self._count_lookup)
        if key is not None:
            self._flights[key] = flight
        return flight

    def _count_lookup(self, lookup: object) -> None:
        self._looking -= 1

    def _looked(self, flight: _Flight[Value], looked: Looked[Value]) -> None:
        """The tiers below memory have answered: land, or go for a permit."""
        flight.lookup = None
        if flight.future.done():
            self._release_lease(flight, looked.lease)
            return
        kept, flight.lease = looked.kept, looked.lease
        if kept is not None and flight.key is not None:
            flight.is_hit = True
            self._forget(flight)
            self.cache.put(flight.key, kept.value, kept.cost_ms, kept.age_s)
            flight.future.set_result(kept.value)
            return
        try:
            self._request(flight)
        except StageBusy as error:
            self._forget(flight)
            self._release_lease(flight, flight.lease)
            flight.future.set_exception(error)

    def _request(self, flight: _Flight[Value]) -> None:
        requested_at_s = time.monotonic()

        def start() -> None:
            flight.started_at_s = time.monotonic()
            self.metrics.observe_queue(self.name, (flight.started_at_s - requested_at_s) * 1000)
            self._workers.submit(flight.work, lambda value, error: self._land(flight, value, error))

        try:
            flight.ticket = self.permits.request(flight.needed, start)
        except QueueFull:
            self.metrics.count_stage_error(self.name, StageBusy.code)
            raise StageBusy(self.name, f"Too many wait for the {self.name} stage.") from None

    def _release_lease(self, flight: _Flight[Value], lease: Lease | None) -> None:
        flight.lease = None
        if lease is not None and self.lower is not None:
            self.lower.release(lease)

    def _land(self, flight: _Flight[Value], value: Value, error: BaseException | None) -> None:
        if flight.ticket is not None:
            self.permits.release(flight.ticket)
            # It leads back to the flight, and with it the sound would wait for the collector.
            flight.ticket = None
        self._forget(flight)
        flight.run_ms = (time.monotonic() - (flight.started_at_s or 0.0)) * 1000
        share = TYPICAL_SHARE if self.typical_ms else 1.0
        self.typical_ms += share * (flight.run_ms - self.typical_ms)
        self.metrics.observe_stage(self.name, flight.run_ms)
        if error is not None:
            self._release_lease(flight, flight.lease)
            self._fail(flight, error)
            return
        if flight.key is not None:
            self.cache.put(flight.key, value, flight.run_ms)
        if flight.key is not None and self.lower is not None:
            self.lower.store(flight.key, value, flight.run_ms, flight.lease)
        if not flight.future.done():
            flight.future.set_result(value)

    def _fail(self, flight: _Flight[Value], error: BaseException) -> None:
        self.metrics.count_stage_error(self.name, StageFailed.code)
        log.error("stage %s failed: %s", self.name, type(error).__name__, exc_info=error)
        if flight.future.done():
            return
        failure: StageError = (
            error
            if isinstance(error, StageError)
            else StageFailed(self.name, f"The {self.name} stage failed: {type(error).__name__}.")
        )
        failure.__cause__ = error
        flight.future.set_exception(failure)

    def _give_up_core(self, flight: _Flight[Value]) -> None:
        """A thread that overran its caller's deadline may hang: others must not wait for it."""
        if flight.ticket is not None:
            self.permits.give_up(flight.ticket)

    def _abandon_if_unwanted(self, flight: _Flight[Value]) -> None:
        is_running = flight.started_at_s is not None
        if flight.waiters or is_running or flight.future.done():
            return
        if flight.lookup is not None:
            flight.lookup.cancel()
        if flight.ticket is not None:
            self.permits.withdraw(flight.ticket)
            flight.ticket = None
        self._forget(flight)
        self._release_lease(flight, flight.lease)
        flight.future.cancel()

    def _forget(self, flight: _Flight[Value]) -> None:
        if flight.key is not None and self._flights.get(flight.key) is flight:
            del self._flights[flight.key]


def _retrieve_error(future: asyncio.Future[Value]) -> None:
    """Keep asyncio from warning about a failure that every caller had stopped waiting for."""
    if not future.cancelled():
        future.exception()
