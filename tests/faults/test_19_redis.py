"""Row 19: Redis refused, killed, frozen, back: a lookup costs little, turns go on, hits return.

Promise: a lookup costs at most 60 ms and turns go on; `parley_cache_up` is 0, then 1; hits
return within 5 s of its return.

Seen to fail: with a breaker that is never asked each lookup cost its guard; with a guard of 5 s
so did the first one, 5 s.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.redis_process import RedisProcess, free_port
from server.breaker import BreakerState
from server.cache.metrics import Found, Tier, Written
from server.cache.redis_tier import GUARD_S, RedisTier, RedisUnavailable
from tests.laddered import GENEROUS_GUARD_S, Process, key_of, process

GENEROUS_S = 10


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(GENEROUS_S):
        while not condition():
            await asyncio.sleep(0.01)


def up(made: Process) -> float | None:
    return made.metrics.registry.get_sample_value("parley_cache_up", {"tier": "redis"})


async def fill(made: Process, sentence: str) -> None:
    await made.speak(sentence)
    await made.settle()
    made.forget()


async def test_19_a_value_goes_from_process_to_process_through_redis(redis: RedisProcess) -> None:
    """What one process spoke, another finds; the hit is promoted to its memory."""
    async with process(redis_url=redis.url) as first, process(redis_url=redis.url) as second:
        await first.speak("hello")
        await first.settle()
        found = await second.speak("hello")
        again = await second.speak("hello")
    assert (found.is_hit, again.is_hit, second.spoken) == (True, True, [])
    assert found.value.samples.tolist() == again.value.samples.tolist() == list(range(500))
    assert second.count(Tier.REDIS, Found.HIT) == 1
    assert second.count(Tier.MEMORY, Found.HIT) == 1


async def test_19_refused(tmp_path: Path) -> None:
    """Nothing listens there: the turn's work runs, and the second lookup does not ask."""
    async with process(redis_url=f"redis://127.0.0.1:{free_port()}/0") as made:
        assert (await made.speak("one")).value is not None
        await made.speak("two")
        assert made.spoken == ["one", "two"]
        assert made.count(Tier.REDIS, Found.ERROR) == 1
        assert made.count(Tier.REDIS, Found.SKIPPED) == 1
        await made.settle()
        assert made.metrics.cache.writes == {(Tier.REDIS, Written.PAUSED): 2}


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_19_killed_or_frozen_and_back(redis: RedisProcess, fault: str) -> None:
    """One guarded failure, then none is asked; once it is back, hits return by themselves."""
    async with process(redis_url=redis.url, is_watching=True) as made:
        await fill(made, "hello")
        assert (await made.speak("hello")).is_hit
        await until(lambda: up(made) == 1)
        getattr(redis, fault)()
        made.forget()
        await made.speak("hello")
        assert made.spoken == ["hello", "hello"], "the turn did its work itself"
        assert made.ladder.redis is not None
        breaker = made.ladder.redis.breaker
        await until(lambda: breaker.state is not BreakerState.CLOSED)
        asked = made.count(Tier.REDIS, Found.ERROR)
        await made.speak("another")
        assert made.count(Tier.REDIS, Found.ERROR) == asked, "an open breaker asks nothing"
        assert up(made) == 0
        redis.thaw() if fault == "freeze" else redis.start()
        await until(lambda: breaker.is_closed)
        await until(lambda: up(made) == 1)
        await made.speak("new")
        redis_tier = made.ladder.redis
        await until(lambda: made.metrics.cache.writes.get((Tier.REDIS, Written.STORED), 0) >= 2)
        made.forget()
        assert (await made.speak("new")).is_hit, "hits have returned"
        assert redis_tier.breaker.openings == 1


async def test_19_the_guard_bounds_a_frozen_call(redis: RedisProcess) -> None:
    """The call ends by its own guard, whatever the library would wait; the next is not made."""
    tier = RedisTier(redis.url, guard_s=0.3)
    redis.freeze()
    loop = asyncio.get_running_loop()
    started_at_s = loop.time()
    with pytest.raises(RedisUnavailable):
        await asyncio.wait_for(tier.get("key"), GENEROUS_S)
    assert loop.time() - started_at_s >= 0.25
    tier.breaker.failed()
    with pytest.raises(RedisUnavailable, match="breaker"):
        await tier.get("key")
    await tier.close()


def test_19_the_guard_of_a_server_is_50_ms() -> None:
    """With what a turn does besides, a lookup in a frozen Redis costs at most 60 ms."""
    assert GUARD_S == 0.05


async def test_19_an_answer_that_comes_late_is_never_given_to_another_key(
    redis: RedisProcess,
) -> None:
    """A connection whose call was cut off is not used again: its answer belongs to that call."""
    tier = RedisTier(redis.url, GENEROUS_GUARD_S)
    await tier.put("first", b"one", 100)
    await tier.put("second", b"two", 100)
    hasty = RedisTier(redis.url, 0.2)
    hasty._made = tier._client
    redis.freeze()
    with pytest.raises(RedisUnavailable):
        await hasty.get("first")
    redis.thaw()
    assert [await tier.get("second") for _ in range(20)] == [b"two"] * 20
    await tier.close()


async def test_19_a_lease_of_a_dead_process_runs_out(redis: RedisProcess) -> None:
    """The waiter does the work itself, before its deadline."""
    async with process(redis_url=redis.url) as made:
        dead = RedisTier(redis.url, GENEROUS_GUARD_S)
        assert await dead.claim(key_of("hello"), 0.3)
        await dead.close()
        result = await made.speak("hello", deadline_s=5)
    assert (result.is_hit, made.spoken) == (False, ["hello"])


async def test_19_a_waiter_never_outwaits_half_its_deadline(redis: RedisProcess) -> None:
    """A lease that is held on and on costs a share of the time, not the turn."""
    async with process(redis_url=redis.url) as made:
        other = RedisTier(redis.url, GENEROUS_GUARD_S)
        assert await other.claim(key_of("hello"), 60)
        result = await made.speak("hello", deadline_s=1)
        await other.close()
    assert (result.is_hit, made.spoken) == (False, ["hello"])


async def test_19_two_processes_make_one_value_once(redis: RedisProcess) -> None:
    """A hundred callers in each of two processes, one run in all."""
    async with (
        process(redis_url=redis.url, is_watching=True) as first,
        process(redis_url=redis.url, is_watching=True) as second,
    ):
        calls = [made.speak("hello") for made in (first, second) for _ in range(100)]
        results = await asyncio.gather(*calls)
    assert len(first.spoken + second.spoken) == 1
    assert len({result.value.samples.tobytes() for result in results}) == 1


async def test_19_a_cancel_that_the_library_swallows_still_ends_the_task() -> None:
    """Seen in one of four runs on a busy machine: the ladder's watch went on for ever."""

    class Swallowing:
        asked = asyncio.Event()

        async def get(self, key: str) -> bytes | None:
            try:
                self.asked.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return None
            return None

    tier = RedisTier("redis://127.0.0.1/0", GENEROUS_GUARD_S)
    client = Swallowing()
    tier._made = client
    task = asyncio.create_task(tier.get("key"))
    await client.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_19_the_guard_does_not_trust_the_librarys_own_timeouts() -> None:
    """A client that never gives up is given up."""

    class Hanging:
        async def get(self, key: str) -> bytes:
            await asyncio.Event().wait()
            return b""

    tier = RedisTier("redis://127.0.0.1/0", 0.05)
    tier._made = Hanging()
    with pytest.raises(RedisUnavailable):
        await asyncio.wait_for(tier.get("key"), GENEROUS_S)
