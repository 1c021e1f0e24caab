"""server/stage.py: cache, single flight, a permit per thread, deadlines, failures."""

import asyncio
import functools
import threading
import weakref
from collections.abc import AsyncIterator, Callable

import pytest

from server.cache.memory_tier import MemoryCache
from server.deadline import Deadline
from server.errors import StageBusy, StageFailed, StageTimeout
from server.stage import Stage, StageLimits
from server.watching.metrics import Metrics


class Work:
    """Blocking work that can be held, counted and made to fail."""

    def __init__(self, is_held: bool = False) -> None:
        self.runs = 0
        self.running = 0
        self.peak = 0
        self.started = threading.Event()
        self.go = threading.Event()
        self._lock = threading.Lock()
        if not is_held:
            self.go.set()

    def __call__(self) -> str:
        with self._lock:
            self.runs += 1
            self.running += 1
            self.peak = max(self.peak, self.running)
        self.started.set()
        assert self.go.wait(10)
        with self._lock:
            self.running -= 1
        return f"value {self.runs}"


MakeStage = Callable[..., Stage[str]]


@pytest.fixture
async def make_stage() -> AsyncIterator[MakeStage]:
    stages: list[Stage[str]] = []

    def make(permits: int = 1, queue_limit: int = 8, cache_bytes: int = 10_000) -> Stage[str]:
        cache: MemoryCache[str] = MemoryCache(cache_bytes, 60, len)
        stages.append(Stage("test", StageLimits(permits, queue_limit), cache, Metrics()))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()
        assert stage.join(5)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_second_call_is_served_from_the_cache(make_stage: MakeStage) -> None:
    """A hit runs nothing and costs no queue or run time."""
    stage, work = make_stage(), Work()
    first = await stage.run("key", work, Deadline.after(5))
    second = await stage.run("key", work, Deadline.after(5))
    assert (first.is_hit, second.is_hit, work.runs) == (False, True, 1)
    assert second.value == first.value
    assert (second.queue_ms, second.run_ms) == (0.0, 0.0)
    assert first.run_ms > 0


async def test_no_key_is_never_cached(make_stage: MakeStage) -> None:
    """Work without a key runs every time."""
    stage, work = make_stage(), Work()
    for _ in range(2):
        await stage.run(None, work, Deadline.after(5))
    assert work.runs == 2


async def test_a_hundred_identical_misses_run_once(make_stage: MakeStage) -> None:
    """Single flight: all callers get the one result."""
    stage, work = make_stage(), Work(is_held=True)
    calls = [asyncio.create_task(stage.run("key", work, Deadline.after(5))) for _ in range(100)]
    await until(work.started.is_set)
    work.go.set()
    results = await asyncio.gather(*calls)
    assert work.runs == 1
    assert {result.value for result in results} == {"value 1"}


@pytest.mark.parametrize("permits", [1, 3])
async def test_barge_ins_never_run_more_threads_than_permits(
    make_stage: MakeStage, permits: int
) -> None:
    """Two hundred cancelled calls with slow threads: never more threads than permits."""
    stage, work = make_stage(permits=permits, queue_limit=500), Work(is_held=True)
    for number in range(200):
        call = asyncio.create_task(stage.run(str(number), work, Deadline.after(5)))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert stage.permits.in_use == permits, "the threads that run keep their permits"
    assert stage.permits.waiting == 0, "work that nobody waits for has left the line"
    await until(lambda: work.running >= permits)
    work.go.set()
    await until(lambda: stage.permits.in_use == 0)
    assert (work.peak, work.runs) == (permits, permits)


async def test_a_joined_flight_survives_the_first_caller(make_stage: MakeStage) -> None:
    """The work goes on while anyone still wants it, even when it had not started."""
    stage, blocker, work = make_stage(), Work(is_held=True), Work()
    blocking = asyncio.create_task(stage.run("blocker", blocker, Deadline.after(5)))
    await until(blocker.started.is_set)
    first = asyncio.create_task(stage.run("key", work, Deadline.after(5)))
    second = asyncio.create_task(stage.run("key", work, Deadline.after(5)))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    blocker.go.set()
    result = await second
    await blocking
    assert (result.value, work.runs) == ("value 1", 1)
    assert result.queue_ms > 0


async def test_a_full_queue_refuses_at_once(make_stage: MakeStage) -> None:
    """StageBusy names the stage; nothing is left behind."""
    stage, work = make_stage(queue_limit=1), Work(is_held=True)
    running = [
        asyncio.create_task(stage.run(str(number), work, Deadline.after(5))) for number in range(2)
    ]
    await until(lambda: stage.permits.waiting == 1)
    with pytest.raises(StageBusy) as refused:
        await stage.run("third", work, Deadline.after(5))
    assert refused.value.stage == "test"
    work.go.set()
    await asyncio.gather(*running)


async def test_a_late_call_times_out_and_keeps_the_permit(make_stage: MakeStage) -> None:
    """A hung thread counts as busy until it ends; then the stage works again."""
    stage, work = make_stage(), Work(is_held=True)
    with pytest.raises(StageTimeout):
        await stage.run("key", work, Deadline.after(0.02))
    assert stage.permits.in_use == 1
    with pytest.raises(StageTimeout):
        await stage.run("other", Work(), Deadline.after(0.02))
    work.go.set()
    await until(lambda: stage.permits.in_use == 0)
    assert (await stage.run("other", Work(), Deadline.after(5))).value == "value 1"


async def test_a_result_that_came_late_is_still_cached(make_stage: MakeStage) -> None:
    """What a thread finished after its caller left serves the next one."""
    stage, work = make_stage(), Work(is_held=True)
    with pytest.raises(StageTimeout):
        await stage.run("key", work, Deadline.after(0.02))
    work.go.set()
    await until(lambda: stage.permits.in_use == 0)
    assert (await stage.run("key", work, Deadline.after(5))).is_hit


async def test_a_failure_is_told_and_not_cached(make_stage: MakeStage) -> None:
    """StageFailed names the kind of error, never its text; the next call works."""
    stage = make_stage()

    def fail() -> str:
        raise ValueError("the words that were spoken")

    with pytest.raises(StageFailed) as failed:
        await stage.run("key", fail, Deadline.after(5))
    assert "ValueError" in str(failed.value)
    assert "words" not in str(failed.value)
    assert isinstance(failed.value.__cause__, ValueError)
    assert (await stage.run("key", Work(), Deadline.after(5))).value == "value 1"


async def test_the_line_is_ordered_by_when_the_result_is_needed(make_stage: MakeStage) -> None:
    """Patience (the deadline) does not buy a place: need does."""
    stage, blocker = make_stage(), Work(is_held=True)
    order: list[str] = []
    blocking = asyncio.create_task(stage.run("blocker", blocker, Deadline.after(5)))
    await until(blocker.started.is_set)

    def note(name: str) -> str:
        order.append(name)
        return name

    calls = []
    for name, deadline_s, needed_s in (("later", 6, 3), ("now", 9, 0)):
        work = functools.partial(note, name)
        needed = Deadline.after(needed_s)
        call = stage.run(name, work, Deadline.after(deadline_s), needed=needed)
        calls.append(asyncio.create_task(call))
        await asyncio.sleep(0)
    blocker.go.set()
    await asyncio.gather(blocking, *calls)
    assert order == ["now", "later"]


async def test_waiting_work_runs_earliest_deadline_first(make_stage: MakeStage) -> None:
    """A first sentence goes before a third sentence that asked earlier."""
    stage, blocker = make_stage(), Work(is_held=True)
    order: list[str] = []
    blocking = asyncio.create_task(stage.run("blocker", blocker, Deadline.after(5)))
    await until(blocker.started.is_set)

    def note(name: str) -> str:
        order.append(name)
        return name

    third = asyncio.create_task(stage.run("3", lambda: note("third"), Deadline.after(9)))
    await asyncio.sleep(0)
    first = asyncio.create_task(stage.run("1", lambda: note("first"), Deadline.after(4)))
    await asyncio.sleep(0)
    blocker.go.set()
    await asyncio.gather(blocking, first, third)
    assert order == ["first", "third"]


class Sound:
    """What work holds on to."""


async def test_what_work_holds_is_freed_when_it_has_ended(
    make_stage: MakeStage, no_collection: None
) -> None:
    """At once: seconds of sound would else wait for the collector."""
    stage = make_stage(permits=2)

    async def run() -> "weakref.ref[Sound]":
        sound = Sound()
        await stage.run("key", lambda: f"made of {sound}", Deadline.after(5))
        return weakref.ref(sound)

    first = await run()
    await stage.run("other", str, Deadline.after(5))  # A thread keeps its last job until the next.
    await stage.run("another", str, Deadline.after(5))
    await until(lambda: first() is None)


async def test_what_work_holds_is_freed_when_nobody_wants_it(
    make_stage: MakeStage, no_collection: None
) -> None:
    """It leaves the line, and nothing leads to it any more."""
    stage, busy = make_stage(), Work(is_held=True)
    running = asyncio.create_task(stage.run("busy", busy, Deadline.after(5)))
    await until(busy.started.is_set)
    sound = Sound()
    held = weakref.ref(sound)
    waiting = asyncio.create_task(
        stage.run("key", functools.partial(repr, sound), Deadline.after(5))
    )
    await asyncio.sleep(0)
    del sound
    waiting.cancel()
    await asyncio.wait([waiting])
    del waiting
    assert held() is None
    busy.go.set()
    await running
