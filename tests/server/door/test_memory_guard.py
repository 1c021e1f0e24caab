"""server/door/memory_guard.py: caches shrink first, then no session is let in; all comes back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import connect

from rag.answer import Answer
from server.door.memory_guard import MemoryGuard
from server.errors import StartError
from server.pipeline import Stages
from server.settings import Settings
from server.watching.metrics import Metrics
from tests.faults.conftest import StartFaked, start_faked
from tests.faults.witness import is_served, until

__all__ = ["start_faked"]

BOUND_BYTES = 1000 << 20


@dataclass(slots=True)
class Memory:
    """What the kernel would say, in percent of the bound."""

    percent: float = 50.0

    def __call__(self) -> int:
        return int(BOUND_BYTES * self.percent / 100)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def guard(memory: Memory) -> Iterator[MemoryGuard]:
    stages = Stages.build(Settings(), Metrics())
    yield MemoryGuard(stages, stages.stt.metrics, BOUND_BYTES, memory)
    for stage in stages.all():
        stage.close()


def shares(guard: MemoryGuard, memory: Memory, *percents: float) -> list[float]:
    """The share after each look."""
    told = []
    for memory.percent in percents:
        guard.look()
        told.append(guard.share)
    return told


def test_caches_are_halved_to_nothing_and_given_back_by_steps(
    guard: MemoryGuard, memory: Memory
) -> None:
    """Between the two bounds nothing changes; what was dropped is really gone."""
    cache = guard.stages.answer.cache
    cache.put("a", Answer("a" * 1000, (), (), False, 1.0))
    assert shares(guard, memory, 84, 85, 80, 90) == [1.0, 0.5, 0.5, 0.25]
    assert cache.limit_bytes == Settings().cache_bytes // 4
    assert shares(guard, memory, 90, 90, 90, 90) == [0.125, 0.0625, 0.0, 0.0]
    assert (cache.get("a"), cache.counts.size_bytes, cache.limit_bytes) == (None, 0, 0)
    assert shares(guard, memory, 76, 74, 74, 74) == [0.0, 0.0625, 0.125, 0.25]
    assert shares(guard, memory, 74, 74, 74) == [0.5, 1.0, 1.0]
    assert cache.limit_bytes == Settings().cache_bytes


def test_the_door_is_shut_late_and_opened_later_still(guard: MemoryGuard, memory: Memory) -> None:
    """Not at every look another answer."""
    told = []
    for memory.percent in (94, 95, 91, 90, 89, 94):
        guard.look()
        told.append(guard.is_shut)
    assert told == [False, True, True, True, False, False]


def test_a_bound_that_the_models_alone_reach_refuses_the_start(
    guard: MemoryGuard, memory: Memory
) -> None:
    """It says how much they take."""
    guard.refuse_start()
    memory.percent = 96
    with pytest.raises(StartError, match=r"PARLEY_MEMORY_MAXIMUM_MB is 1000: .* take 960 MB"):
        guard.refuse_start()


async def test_a_running_server_refuses_and_lets_in_again(start_faked: StartFaked) -> None:
    """`at_capacity` with retry_after_ms, `/ready` 503 and /stats; a running session goes on."""
    server = start_faked(memory_maximum_mb=100_000)
    guard = server.running.app._memory
    guard.resident_bytes = lambda: guard.bound_bytes
    await until(lambda: guard.is_shut)
    async with connect(server.url) as refused:
        error = json.loads(await refused.recv())["error"]
        assert (error["code"], error["retry_after_ms"] > 0) == ("at_capacity", True)
    assert server.running.get("/ready")[0] == 503
    assert json.loads(server.running.get("/stats")[1])["memory"]["refuses_sessions"] is True
    guard.resident_bytes = lambda: 0
    await until(lambda: not guard.is_shut)
    assert await is_served(server.url)
    with pytest.raises(StartError, match="PARLEY_MEMORY_MAXIMUM_MB is 1:"):
        start_faked(memory_maximum_mb=1)
