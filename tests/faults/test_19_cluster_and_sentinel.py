"""Row 19: more than one Redis: the cache works over a cluster and over sentinels.

Seen to fail: with a plain client in place of RedisCluster nothing came back from a cluster.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.redis_process import RedisProcess, free_port, redis_program
from server.cache.metrics import Found, Tier
from server.cache.redis_address import parse_redis_url
from tests.faults.test_19_redis import until
from tests.laddered import process


@pytest.fixture
def program() -> str:
    found = redis_program()
    if found is None:
        pytest.skip("redis-server is not installed (make system)")
    return found


@pytest.fixture
def cluster(program: str, tmp_path: Path) -> Iterator[RedisProcess]:
    """One node that has all slots: what the client does is the same for many.

    The bus gets a port of its own: port + 10000, the default, may be past the last.
    """
    options = (
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(free_port()),
        "--save",
        "",
        "--appendonly",
        "no",
    )
    with RedisProcess(program, tmp_path, *options) as node:
        assert "OK" in node.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        yield node


@pytest.fixture
def sentinel(program: str, tmp_path: Path, redis: RedisProcess) -> Iterator[RedisProcess]:
    """One sentinel over one server."""
    settings = tmp_path / "sentinel.conf"
    settings.write_text(f"sentinel monitor parley 127.0.0.1 {redis.port} 1\n")
    with RedisProcess(program, tmp_path, str(settings), "--sentinel") as watching:
        yield watching


async def use(url: str) -> None:
    async with process(redis_url=url) as first, process(redis_url=url) as second:
        await first.speak("hello")
        await first.settle()
        assert (await second.speak("hello")).is_hit
        assert second.count(Tier.REDIS, Found.HIT) == 1
        assert second.ladder.redis is not None
        assert await second.ladder.redis.invalidate("tts:*") == 1
        assert await second.ladder.redis.epoch() == 1


async def test_19_a_cluster(cluster: RedisProcess) -> None:
    """Values, leases, invalidation and the epoch."""
    await until(lambda: "cluster_state:ok" in cluster.command("CLUSTER", "INFO"))
    await use(f"redis+cluster://127.0.0.1:{cluster.port}")


async def test_19_sentinels(sentinel: RedisProcess) -> None:
    """The master is found by its service name."""
    await use(f"redis+sentinel://127.0.0.1:{sentinel.port}/parley/0")


def test_19_addresses() -> None:
    """Several hosts, a login, a database; ports that are left out are the usual ones."""
    many = parse_redis_url("redis+sentinel://me:p%40ss@one,two:7000/main/3")
    assert many.nodes == (("one", 26379), ("two", 7000))
    assert (many.service, many.database, many.username, many.password) == ("main", 3, "me", "p@ss")
    assert parse_redis_url("redis+cluster://one").nodes == (("one", 6379),)
    assert parse_redis_url("rediss://host:1/0").url == "rediss://host:1/0"


@pytest.mark.parametrize(
    "url",
    ["http://secret@host", "redis://", "redis+sentinel://secret@host", "redis+cluster://", "host"],
)
def test_19_addresses_that_cannot_be_used(url: str) -> None:
    """What is accepted is told, and no password."""
    with pytest.raises(ValueError, match=r"accepted|needed") as refused:
        parse_redis_url(url)
    assert "secret" not in str(refused.value)
