"""`parley cache` beside a real Redis that holds more than cached values."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.redis_process import RedisProcess, redis_process
from rag.answer import Answer
from server.answering.conversation import Window, exchange_of
from server.answering.conversation_store import ConversationStore
from server.cache.redis_tier import RedisTier
from server.cli import main
from tests.laddered import GENEROUS_GUARD_S

KEEP_S = 600.0
ASKED = "when does the boat sail"


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisProcess]:
    with redis_process() as running:
        if running is None:
            pytest.skip("redis-server is not installed (make system)")
        monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("PARLEY_CACHE_DISK", "0")
        monkeypatch.setenv("PARLEY_REDIS_URL", running.url)
        yield running


async def fill(url: str) -> None:
    """Two values, a conversation and a lease."""
    tier = RedisTier(url, GENEROUS_GUARD_S)
    for key in ("tts:one:x", "search:one:x"):
        await tier.put(key, b"value", KEEP_S)
    answer = Answer("At nine.", ("At nine.",), (), False, 0.9)
    window = Window((exchange_of(ASKED, answer, ASKED),))
    await ConversationStore(tier, KEEP_S).save("/ws token", window)
    assert await tier.claim("tts:two:x", KEEP_S)
    await tier.close()


async def left(url: str) -> tuple[list[str], bool]:
    """What is asked of in the conversation that another server finds, and if the lease is held."""
    tier = RedisTier(url, GENEROUS_GUARD_S)
    window = await ConversationStore(tier, KEEP_S).load("/ws token")
    is_held = await tier.claim("tts:two:x", KEEP_S) is None
    await tier.close()
    return [each.question for each in window.exchanges] if window else [], is_held


@pytest.mark.parametrize("command", [["clear"], ["invalidate", "*"], ["invalidate", "c*"]])
def test_conversations_outlive_the_cache(
    redis: RedisProcess, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """Nobody who comes back has lost what was said because the cache was emptied."""
    asyncio.run(fill(redis.url))
    assert main(["cache", *command]) == 0
    dropped = 0 if command[-1] == "c*" else 2
    assert f"redis: {dropped} values dropped" in capsys.readouterr().out
    assert asyncio.run(left(redis.url)) == ([ASKED], True)


def test_only_values_are_counted(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """A conversation and a lease are none, and no stage is named after them."""
    asyncio.run(fill(redis.url))
    assert main(["cache", "stats", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["redis"] == {"tts": "1 values", "search": "1 values"}


def test_a_clear_says_what_it_leaves(
    redis: RedisProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that nobody takes it for a way to forget what was said."""
    assert main(["cache", "clear"]) == 0
    assert "conversations that are kept there stay" in capsys.readouterr().out
