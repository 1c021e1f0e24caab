"""Row 19: what answers at Redis's port is no Redis, or another program's: never a lost turn.

Seen to fail: with `scan_iter` that does not ask for our prefix another program's keys were
cleared.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.redis_process import RedisProcess
from server.cache.key import PREFIX
from server.cache.metrics import Found, Tier, Written
from tests.laddered import key_of, process

ANSWERS = {
    "a web server": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing but noise": bytes(range(256)) * 40,
    "half a bulk": b"$1000\r\nabc",
    "a bulk of a terabyte": b"$1099511627776\r\n" + b"x" * 1000,
    "a negative bulk": b"$-7\r\n",
    "no number": b"$abc\r\n",
    "a list": b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    "a number": b":42\r\n",
    "deep lists": b"*1\r\n" * 5000,
    "an error": b"-ERR no\r\n",
    "a password is needed": b"-NOAUTH Authentication required.\r\n",
    "it loads": b"-LOADING Redis is loading the dataset in memory\r\n",
    "a string that is no string": b"+OK\r\n",
    "text that is no text": b"+\xff\xfe\r\n",
    "it hangs up": b"",
}


@asynccontextmanager
async def impostor(answer: bytes) -> AsyncIterator[str]:
    """A server that answers everything with the same bytes, and hangs up after none."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while answer and await reader.read(4096):
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        for writer in writers:
            writer.close()
        await asyncio.gather(*(each.wait_closed() for each in writers), return_exceptions=True)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_19_garbage(answer: bytes) -> None:
    """The work runs, whatever is answered; nothing of it is taken for a value."""
    async with impostor(answer) as url, process(redis_url=url, guard_s=0.3) as made:
        for sentence in ("one", "two", "one"):
            result = await made.speak(sentence)
            assert result.value.engine == "fake"
        assert made.spoken == ["one", "two"]
        await made.settle()
        assert made.count(Tier.REDIS, Found.HIT) == 0
        await made.ladder.watch_once()


async def test_19_another_programs_keys_are_left_alone(redis: RedisProcess) -> None:
    """Clearing removes what has our prefix and nothing else."""
    redis.command("SET", "session:1", "theirs")
    redis.command("SET", "tts:voice:1:hello", "theirs")
    async with process(redis_url=redis.url) as made:
        await made.speak("hello")
        await made.settle()
        assert made.spoken == ["hello"], "their key of the same name is not ours"
        assert made.ladder.redis is not None
        assert await made.ladder.redis.count() == {"tts": 1}
        assert await made.ladder.redis.invalidate("*") == 1
        assert await made.ladder.redis.get(key_of("hello")) is None
    assert "theirs" in redis.command("GET", "session:1")
    assert "theirs" in redis.command("GET", "tts:voice:1:hello")
    assert "$-1" in redis.command("GET", f"{PREFIX}{key_of('hello')}")


async def test_19_a_redis_without_memory_is_still_read(redis: RedisProcess) -> None:
    """It refuses writes: they are counted as failed, and hits go on."""
    async with process(redis_url=redis.url) as made:
        await made.speak("hello")
        await made.settle()
        redis.command("CONFIG", "SET", "maxmemory", "1")
        await made.speak("more")
        await made.settle()
        assert made.metrics.cache.writes[Tier.REDIS, Written.FAILED] == 1
        made.forget()
        assert (await made.speak("hello")).is_hit
