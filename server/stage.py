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

from server.cache import MemoryCache
from server.deadline import Deadline
from server.errors import StageBusy, StageError, StageFailed, StageTimeout
from server.metrics import Metrics
from server.permits import Cores, Permits, QueueFull, Ticket
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
    waiters: int = 0
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
    typical_ms: float = field(init=False, default=0.0)
    """What a run takes: an average that follows the last dozen; 0 before the first."""
    permits: Permits = field(init=False)
    _workers: Workers = field(init=False)
    _flights: dict[str, _Flight[Value]] = field(init=False, default_factory=dict)

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

        The line is ordered by `needed`, when the result is wanted; past `deadline` it is given up.
        A lookup that repeats one made ahead for the same turn is not counted again.

        Raises StageBusy when the queue is full, StageTimeout past the deadline, StageFailed when
        the work raised. A cancelled or late caller leaves at once: work that still waits and that
        nobody else wants leaves the line; work that runs keeps its permit until its thread ends.
        """
        cached = None if key is None else self.cache.get(key, is_counted=is_counted)
        if key is not None and is_counted:
            self.metrics.count_cache(self.name, is_hit=cached is not None)
        if cached is not None:
            return StageResult(cached, True, 0.0, 0.0)
        flight = self._flights.get(key) if key is not None else None
        return await self._wait(flight or self._launch(key, work, needed or deadline), deadline)

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
        return StageResult(value, False, queue_ms, flight.run_ms)

    def _launch(
        self, key: str | None, work: Callable[[], Value], needed: Deadline
    ) -> _Flight[Value]:
        flight: _Flight[Value] = _Flight(key, asyncio.get_running_loop().create_future())
        flight.future.add_done_callback(_retrieve_error)
        requested_at_s = time.monotonic()

        def start() -> None:
            flight.started_at_s = time.monotonic()
            self.metrics.observe_queue(self.name, (flight.started_at_s - requested_at_s) * 1000)
            self._workers.submit(work, lambda value, error: self._land(flight, value, error))

        try:
            flight.ticket = self.permits.request(needed, start)
        except QueueFull:
            self.metrics.count_stage_error(self.name, StageBusy.code)
            raise StageBusy(self.name, f"Too many wait for the {self.name} stage.") from None
        if key is not None:
            self._flights[key] = flight
        return flight

    def _land(self, flight: _Flight[Value], value: Value, error: BaseException | None) -> None:
        if flight.ticket is not None:
            self.permits.release(flight.ticket)
        self._forget(flight)
        flight.run_ms = (time.monotonic() - (flight.started_at_s or 0.0)) * 1000
        share = TYPICAL_SHARE if self.typical_ms else 1.0
        self.typical_ms += share * (flight.run_ms - self.typical_ms)
        self.metrics.observe_stage(self.name, flight.run_ms)
        if error is not None:
            self._fail(flight, error)
            return
        if flight.key is not None:
            self.cache.put(flight.key, value)
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
        if flight.ticket is not None:
            self.permits.withdraw(flight.ticket)
        self._forget(flight)
        flight.future.cancel()

    def _forget(self, flight: _Flight[Value]) -> None:
        if flight.key is not None and self._flights.get(flight.key) is flight:
            del self._flights[flight.key]


def _retrieve_error(future: asyncio.Future[Value]) -> None:
    """Keep asyncio from warning about a failure that every caller had stopped waiting for."""
    if not future.cancelled():
        future.exception()
