"""The right to make a value is given back when the value is not written, at a real Redis."""

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.redis_process import RedisProcess, redis_process
from models.tts import Speech
from server.cache.codec import Codec
from server.cache.redis_tier import RedisTier
from tests.laddered import GENEROUS_GUARD_S, key_of, process

KEPT_S = 600.0
"""So that no lease runs out by itself."""


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisProcess]:
    monkeypatch.setattr("server.cache.ladder.LEASE_S", KEPT_S)
    with redis_process() as running:
        if running is None:
            pytest.skip("redis-server is not installed (make system)")
        yield running


async def is_free(url: str, sentence: str) -> bool:
    """Whether another process may make it."""
    other = RedisTier(url, GENEROUS_GUARD_S)
    try:
        return await other.claim(key_of(sentence), KEPT_S) is not None
    finally:
        await other.close()


async def until_free(url: str, sentence: str) -> None:
    async with asyncio.timeout(10):
        while not await is_free(url, sentence):
            await asyncio.sleep(0.01)


async def test_a_write_that_is_dropped_leaves_no_lease(redis: RedisProcess) -> None:
    """Under pressure other processes would wait a second for what is never written."""
    async with process(redis_url=redis.url) as made:
        made.ladder.writer._queue = asyncio.Queue(1)
        await made.speak("kept")
        await made.speak("dropped")
        await until_free(redis.url, "dropped")
        assert not await is_free(redis.url, "kept")
        await made.settle()
        await until_free(redis.url, "kept")


async def test_a_value_that_cannot_be_written_leaves_no_lease(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is spoken all the same."""

    def encode(self: Codec[Speech], value: Speech) -> bytes:
        raise ValueError

    monkeypatch.setattr(Codec, "encode", encode)
    async with process(redis_url=redis.url) as made:
        assert len((await made.speak("odd")).value.samples)
        await made.settle()
        await until_free(redis.url, "odd")
