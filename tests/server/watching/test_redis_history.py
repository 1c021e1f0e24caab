"""server/watching/redis_history.py: the week of a server that has lost its disk."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.redis_process import RedisProcess, redis_process
from server.cache.key import PREFIX
from server.cache.ladder import Ladder
from server.cache.redis_tier import RedisTier
from server.cli import main
from server.watching.health_watch import HealthWatch, make_health_watch
from server.watching.history import KEPT_S, Minute
from server.watching.redis_history import HOUR_S, RedisHistory, merged, server_name
from tests.laddered import GENEROUS_GUARD_S
from tests.server.conftest import MakeStand

NOON_S = 1_700_000_000 // HOUR_S * HOUR_S


def minute(number: int, answers: int = 3) -> Minute:
    """The one that ended so many minutes after noon."""
    at_s = NOON_S + 60 * number
    return Minute(at_s, answers, 310.5, 480.0, 2, 0, 0.25, 0.8, 0.9, 400 << 20, 12.5, "queue_full")


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    with redis_process() as running:
        if running is None:
            pytest.skip("redis-server is not installed (make system)")
        yield running


async def test_a_new_process_finds_the_hours_before(redis: RedisProcess) -> None:
    """Over the turn of the hour, each minute once, as it was; another server's are another's."""
    tier = RedisTier(redis.url, GENEROUS_GUARD_S)
    kept: list[Minute] = []
    for number in range(57, 63):
        kept.append(minute(number))
        await RedisHistory(tier, "one").keep(kept)
    again = RedisHistory(tier, "one")
    assert await again.since(NOON_S, NOON_S + 2 * HOUR_S) == kept
    assert await again.since(kept[2].at_unix_s, kept[4].at_unix_s) == kept[2:5]
    assert await RedisHistory(tier, "two").since(NOON_S, NOON_S + 2 * HOUR_S) == []
    await tier.close()


async def test_redis_drops_it_after_seven_days(redis: RedisProcess) -> None:
    """Also when no server comes back to do so: an hour more, for the hour's first minute."""
    tier = RedisTier(redis.url, GENEROUS_GUARD_S)
    await RedisHistory(tier, "one").keep([minute(0)])
    left_s = await tier._client.ttl(f"{PREFIX}history:one:{NOON_S // HOUR_S}")
    assert KEPT_S < left_s <= KEPT_S + HOUR_S
    await tier.close()


@pytest.mark.parametrize("blob", [b"\xff", b"{}", b"[[1]]", b'[["x"]]', b"[" * 100_000, b"7"])
async def test_what_another_program_wrote_is_no_history(redis: RedisProcess, blob: bytes) -> None:
    """It is read as nothing and written over."""
    tier = RedisTier(redis.url, GENEROUS_GUARD_S)
    await tier.put(f"history:one:{NOON_S // HOUR_S}", blob, 60)
    history = RedisHistory(tier, "one")
    assert await history.since(NOON_S, NOON_S + 60) == []
    await history.keep([minute(1)])
    assert await history.since(NOON_S, NOON_S + 60) == [minute(1)]
    await tier.close()


async def test_a_redis_that_is_away_costs_nothing_and_raises_nothing() -> None:
    """The disk has it."""
    tier = RedisTier("redis://127.0.0.1:1/0")
    history = RedisHistory(tier, "one")
    await history.keep([minute(0)])
    assert await history.since(NOON_S, NOON_S + 60) == []
    await tier.close()


async def test_a_watch_keeps_in_both_and_reads_what_either_has(
    redis: RedisProcess, make_stand: MakeStand, tmp_path: Path
) -> None:
    """The disk that was lost is made up for, and so is a Redis that was emptied."""
    stand = make_stand(data_dir=tmp_path)
    tier = RedisTier(redis.url, GENEROUS_GUARD_S)
    ladder = Ladder(tier, None, stand.shared.metrics.cache, 60)
    shared = replace(stand.shared, stages=replace(stand.shared.stages, ladder=ladder))

    async def read(watch: HealthWatch) -> list[int]:
        watch.unix_s = lambda: NOON_S + 90.0
        running = asyncio.create_task(watch.run())
        async with asyncio.timeout(10):
            while not watch.minutes:
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [each.at_unix_s for each in watch.minutes]

    first = make_health_watch(shared, ())
    for first.unix_s in (lambda: NOON_S + 0.0, lambda: NOON_S + 60.0):
        await first.keep_minute()
    second, third = make_health_watch(shared, ()), make_health_watch(shared, ())
    assert await read(second) == [NOON_S, NOON_S + 60]
    shared.settings.history_path.unlink()
    assert await read(third) == [NOON_S, NOON_S + 60]
    for watch in (first, second, third):
        watch.close()
        assert watch.workers.join(5)
    await tier.close()


def test_a_cleared_cache_leaves_the_history(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is no cached value: nobody clears a cache to forget last night."""
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PARLEY_REDIS_URL", redis.url)

    async def kept(*, is_to_keep: bool) -> list[Minute]:
        tier = RedisTier(redis.url, GENEROUS_GUARD_S)
        history = RedisHistory(tier, "one")
        if is_to_keep:
            await history.keep([minute(0)])
        found = await history.since(NOON_S, NOON_S)
        await tier.close()
        return found

    asyncio.run(kept(is_to_keep=True))
    assert main(["cache", "clear"]) == 0
    assert asyncio.run(kept(is_to_keep=False)) == [minute(0)]


def test_of_one_moment_the_last_place_counts() -> None:
    """And what only one place has is kept, in order."""
    assert merged([minute(1), minute(3)], [minute(2), minute(3, 9)]) == [
        minute(1),
        minute(2),
        minute(3, 9),
    ]


def test_two_servers_of_one_machine_are_told_apart() -> None:
    """By where they listen; the name tells neither host nor port."""
    one, two = server_name("127.0.0.1", 8765), server_name("127.0.0.1", 8766)
    assert one != two
    assert one == server_name("127.0.0.1", 8765)
    assert "8765" not in one
