"""Row 21: a cached value that is cut, flipped, foreign or of another version is never used.

Promise: a miss, deleted and counted; never spoken.

Seen to fail: with the checksum not compared in server/cache/entry.py flipped speech was a hit.
"""

import sqlite3
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.redis_process import RedisProcess
from models.tts import Speech
from server.cache.codec import Codec, CodecError
from server.cache.entry import BadEntry, seal, unseal
from server.cache.key import PREFIX
from server.cache.metrics import Found, Tier
from server.cache.redis_tier import RedisTier
from tests.faults.witness import until
from tests.laddered import GENEROUS_GUARD_S, Process, key_of, make_speech, process

KEY = key_of("hello")
CODEC = Codec.of(Speech)


def envelope(key: str = KEY, schema: bytes = CODEC.schema) -> bytes:
    return seal(key, schema, CODEC.encode(make_speech("hello")), time.time(), 1000.0)


def flipped(blob: bytes) -> bytes:
    return blob[:-10] + bytes([blob[-10] ^ 1]) + blob[-9:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda blob: blob[:-1],
    "cut to nothing": lambda blob: b"",
    "cut in the header": lambda blob: blob[:20],
    "flipped": flipped,
    "longer": lambda blob: blob + b"x",
    "foreign": lambda blob: b'{"session": 1}' * 20,
    "pickle": lambda blob: b"\x80\x04\x95" + blob[3:],
    "of another version": lambda blob: blob[:4] + b"\x63" + blob[5:],
    "of another shape": lambda blob: envelope(schema=b"12345678"),
    "of another key": lambda blob: envelope("tts:voice:1:goodbye"),
    "sealed nonsense": lambda blob: seal(KEY, CODEC.schema, b"\x00" * 50, time.time(), 5.0),
}


async def is_refused(made: Process, tier: Tier) -> None:
    made.forget()
    result = await made.speak("hello")
    assert not result.is_hit
    assert result.value.samples.tolist() == make_speech("hello").samples.tolist()
    assert made.count(tier, Found.CORRUPT) == 1
    assert made.count(tier, Found.HIT) == 0


@pytest.mark.parametrize("damage", DAMAGES)
async def test_21_on_disk(tmp_path: Path, damage: str) -> None:
    """A miss, counted and deleted; the work runs again and its value takes the place."""
    async with process(tmp_path) as made:
        await made.speak("hello")
        await made.settle()
        assert made.ladder.disk is not None
        blob = made.ladder.disk.get(KEY)
        assert blob is not None
        made.ladder.disk.put(KEY, DAMAGES[damage](blob), 1000)
        await is_refused(made, Tier.DISK)
        disk = made.ladder.disk
        await until(lambda: disk.get(KEY) is None)
        await made.settle()
        made.forget()
        assert (await made.speak("hello")).is_hit


@pytest.mark.parametrize("damage", DAMAGES)
async def test_21_in_redis(redis: RedisProcess, damage: str) -> None:
    """The same, for what another program may have written under our key."""
    async with process(redis_url=redis.url) as made:
        await made.speak("hello")
        await made.settle()
        tier = made.ladder.redis
        assert tier is not None
        blob = await tier.get(KEY)
        assert blob is not None
        await tier.put(KEY, DAMAGES[damage](blob), 1000)
        await is_refused(made, Tier.REDIS)
        assert await tier.get(KEY) is None, "deleted"
        await made.settle()
        made.forget()
        assert (await made.speak("hello")).is_hit


async def test_21_a_key_of_another_kind_is_a_miss(redis: RedisProcess) -> None:
    """Another program's list under our key makes Redis refuse: the work runs, nothing breaks."""
    redis.command("RPUSH", PREFIX + KEY, "1", "2")
    async with process(redis_url=redis.url) as made:
        assert not (await made.speak("hello")).is_hit
        assert made.count(Tier.REDIS, Found.CORRUPT) == 1
        other = RedisTier(redis.url, GENEROUS_GUARD_S)
        await made.settle()
        assert await other.get(KEY) is not None, "and its place is taken"
        await other.close()


async def test_21_a_large_value_whose_file_is_gone_or_damaged(tmp_path: Path) -> None:
    """Values above 32 KB are files: a missing one is a miss, a damaged one is corrupt."""
    sentence = "x" * 400
    async with process(tmp_path) as made:
        for damage in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-7])):
            await made.speak(sentence)
            await made.settle()
            (file,) = (tmp_path / "values").iterdir()
            damage(file)
            made.forget()
            assert not (await made.speak(sentence)).is_hit
            await made.settle()
            made.forget()
            assert (await made.speak(sentence)).is_hit
            made.forget()
        assert made.count(Tier.DISK, Found.CORRUPT) == 1


@pytest.mark.parametrize("damage", [b"not a database at all" * 500, b""])
async def test_21_a_damaged_index_starts_anew(tmp_path: Path, damage: bytes) -> None:
    """The folder is a cache: what cannot be read is thrown away, and the next write works."""
    async with process(tmp_path) as made:
        await made.speak("hello")
        await made.settle()
    (tmp_path / "index.sqlite3").write_bytes(damage)
    async with process(tmp_path) as made:
        assert not (await made.speak("hello")).is_hit
        await made.settle()
        made.forget()
        assert (await made.speak("hello")).is_hit


async def test_21_an_index_of_a_later_version_starts_anew(tmp_path: Path) -> None:
    """Tables of another version are not guessed at."""
    with sqlite3.connect(tmp_path / "index.sqlite3") as connection:
        connection.execute("CREATE TABLE entries(other TEXT)")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    async with process(tmp_path) as made:
        await made.speak("hello")
        await made.settle()
        made.forget()
        assert (await made.speak("hello")).is_hit


@given(st.integers(0, 2**16), st.integers(0, 7), st.integers(0, 4))
def test_21_any_flipped_bit_is_found(position: int, bit: int, cut: int) -> None:
    """An envelope opens only as it was sealed: the error is BadEntry, never anything else."""
    blob = bytearray(envelope())
    blob[position % len(blob)] ^= 1 << bit
    damaged = bytes(blob[: len(blob) - cut])
    with pytest.raises(BadEntry):
        unseal(KEY, CODEC.schema, damaged)


@given(st.binary(max_size=200))
def test_21_any_bytes_decode_to_a_value_or_the_documented_error(body: bytes) -> None:
    """Whoever can write valid checksums still cannot crash a lookup."""
    try:
        CODEC.decode(body)
    except CodecError:
        return


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '[["<i2",[1000000000000],0],16000,"x",[]]',
        '[["<i2",[-1],0],16000,"x",[]]',
        '[["|O",[1],0],16000,"x",[]]',
        '[["<i2",[0],0],true,"x",[]]',
        '[["<i2",[0],0],16000,"x",["y"]]',
        '{"samples":1}',
        "NaN",
    ],
)
def test_21_hostile_text_is_refused(text: str) -> None:
    """Too deep, too large, of another type: CodecError."""
    body = struct.pack("<BII", 0, len(text), len(text)) + text.encode()
    with pytest.raises(CodecError):
        CODEC.decode(body)


def test_21_a_compression_bomb_is_not_inflated() -> None:
    """Never more than was announced, which is never more than a value may have."""
    bomb = zlib.compress(b" " * 50_000_000)
    for announced in (100, 2**31):
        with pytest.raises(CodecError):
            CODEC.decode(struct.pack("<BII", 1, len(bomb), announced) + bomb)
