"""server/cache/ladder.py and its tiers: promotion, cancellation, bounds, invalidation, restart."""

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest

from models.tts import Speech
from server.cache.codec import Codec
from server.cache.disk_tier import DiskStore
from server.cache.metrics import Found, Tier, Written
from server.cache.writer import QUEUED_WRITES
from server.deadline import Deadline
from server.errors import StageBusy, StageFailed
from tests.laddered import Process, key_of, make_speech, process


async def test_a_restart_finds_what_was_spoken(tmp_path: Path) -> None:
    """The first repeated sentence of a new process is served from disk, then from memory."""
    async with process(tmp_path) as before:
        await before.speak("hello")
    async with process(tmp_path) as after:
        first, second = await after.speak("hello"), await after.speak("hello")
    assert (first.is_hit, second.is_hit, after.spoken) == (True, True, [])
    assert (first.queue_ms, first.run_ms) == (0.0, 0.0)
    assert after.count(Tier.DISK, Found.HIT) == 1
    assert after.count(Tier.MEMORY, Found.HIT) == 1
    assert after.metrics.cache.tallies["tts", Tier.DISK].saved_ms > 0


async def test_a_stop_in_the_middle_of_a_write_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was being written when the writer was cancelled is written by `stop`."""
    started, go = threading.Event(), threading.Event()
    put = DiskStore.put

    def slow(self: DiskStore, key: str, blob: bytes, keep_s: float) -> bool:
        started.set()
        return go.wait(10) and put(self, key, blob, keep_s)

    monkeypatch.setattr(DiskStore, "put", slow)
    async with process(tmp_path) as before:
        writing = asyncio.create_task(before.ladder.run())
        await before.speak("hello")
        assert await asyncio.to_thread(started.wait, 10)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        monkeypatch.setattr(DiskStore, "put", put)
        go.set()
    async with process(tmp_path) as after:
        assert (await after.speak("hello")).is_hit


async def test_a_hundred_misses_look_below_once(tmp_path: Path) -> None:
    """Joiners share the lookup and the work."""
    async with process(tmp_path) as made:
        results = await asyncio.gather(*(made.speak("hello") for _ in range(100)))
        assert made.count(Tier.DISK, Found.MISS) == 1
    assert made.spoken == ["hello"]
    assert len(results) == 100


def hold_disk(made: Process, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    go = threading.Event()
    disk = made.ladder.disk
    assert disk is not None
    read = DiskStore.get

    def slow(self: DiskStore, key: str) -> bytes | None:
        assert go.wait(10)
        return read(self, key)

    monkeypatch.setattr(DiskStore, "get", slow)
    monkeypatch.setattr("server.cache.ladder.DISK_GUARD_S", 10)
    return go


async def test_a_caller_who_leaves_does_not_end_anothers_lookup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first caller is cancelled while the disk is read; the second gets the value."""
    async with process(tmp_path) as made:
        await made.speak("hello")
        await made.settle()
        made.forget()
        go = hold_disk(made, monkeypatch)
        first = asyncio.create_task(made.speak("hello"))
        second = asyncio.create_task(made.speak("hello"))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()
        assert (await second).is_hit


async def test_a_lookup_that_nobody_wants_any_more_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends, takes no permit, and the next call for the key starts anew."""
    async with process(tmp_path) as made:
        go = hold_disk(made, monkeypatch)
        call = asyncio.create_task(made.speak("hello"))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go.set()
        await asyncio.sleep(0)
        assert made.spoken == []
        assert made.stage.permits.in_use == made.stage.permits.waiting == 0
        assert not (await made.speak("hello")).is_hit


async def test_a_full_line_is_told_after_the_lookup_too(tmp_path: Path) -> None:
    """StageBusy reaches the caller whose lookup found nothing; the next call works."""
    async with process(tmp_path) as made:
        made.stage.permits.limit, made.stage.permits.queue_limit = 0, 1
        waiting = asyncio.create_task(made.speak("one"))
        async with asyncio.timeout(10):
            while not made.stage.permits.waiting:
                await asyncio.sleep(0.001)
        with pytest.raises(StageBusy):
            await made.speak("two")
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


async def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    """What raised is no value in any tier."""
    async with process(tmp_path) as made:

        def fail() -> Speech:
            raise ValueError

        with pytest.raises(StageFailed):
            await made.stage.run(key_of("hello"), fail, Deadline.after(5))
        await made.settle()
        assert not (await made.speak("hello")).is_hit


async def test_a_disk_that_hangs_costs_one_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookup is given up, the work runs, and the next lookup does not ask the disk."""
    async with process(tmp_path) as made:
        go = hold_disk(made, monkeypatch)
        monkeypatch.setattr("server.cache.ladder.DISK_GUARD_S", 0.02)
        await made.speak("one")
        await made.speak("two")
        go.set()
    assert made.spoken == ["one", "two"]
    assert made.count(Tier.DISK, Found.ERROR) == 1
    assert made.count(Tier.DISK, Found.SKIPPED) == 1


async def test_too_many_writes_are_dropped_and_counted(tmp_path: Path) -> None:
    """The queue has a bound; a dropped value still serves from memory."""
    async with process(tmp_path) as made:
        for number in range(QUEUED_WRITES + 3):
            await made.speak(f"sentence {number}")
        assert made.metrics.cache.writes == {(Tier.DISK, Written.DROPPED): 3}
        assert (await made.speak(f"sentence {QUEUED_WRITES + 2}")).is_hit


async def test_an_invalidation_beside_a_running_server_reaches_its_memory(tmp_path: Path) -> None:
    """Another process clears the disk: within one look the server's memory is empty too."""
    async with process(tmp_path) as made:
        await made.speak("hello")
        await made.settle()
        await made.ladder.watch_once()
        assert (await made.speak("hello")).is_hit
        other = DiskStore(tmp_path, 10_000_000)
        assert other.invalidate("tts:*") == 1
        other.close()
        await made.ladder.watch_once()
        assert not (await made.speak("hello")).is_hit


def test_the_disk_keeps_what_was_used_last(tmp_path: Path) -> None:
    """Bounded by bytes: what was read lately survives; files go with their entries."""
    store = DiskStore(tmp_path, 200_000)
    for name in "abcd":
        store.put(f"tts:{name}", name.encode() * 45_000, 100)
    assert store.get("tts:a") is not None
    store.put("tts:e", b"e" * 45_000, 100)
    kept = [name for name in "abcde" if store.get(f"tts:{name}") is not None]
    assert kept[0] == "a"
    assert kept[-1] == "e"
    assert len(kept) < 5
    assert len(list((tmp_path / "values").iterdir())) == len(kept)
    tally = store.tallies()["tts"]
    assert tally.size_bytes == 45_000 * len(kept) <= 200_000
    assert tally.evictions == 5 - len(kept)
    assert not store.put("tts:huge", b"x" * 300_000, 100)
    store.close()


async def test_each_tier_tells_what_a_stage_has_and_has_lost(tmp_path: Path) -> None:
    """Bytes and evictions, of memory and of disk, at each look; nothing is left when all goes."""
    async with process(tmp_path, disk_bytes=3000) as made:

        def told(what: str) -> list[float | None]:
            registry = made.metrics.registry
            labels = ({"stage": "tts", "tier": tier} for tier in ("memory", "disk"))
            return [registry.get_sample_value(f"parley_cache_{what}", each) for each in labels]

        await made.ladder.watch_once()
        assert told("bytes") == told("evictions") == [0, 0]
        for name in ("one", "two", "three"):
            await made.speak(name * 2)
        await made.settle()
        made.stage.cache.resize(2500)
        await made.ladder.watch_once()
        memory_bytes, disk_bytes = told("bytes")
        assert memory_bytes == made.stage.cache.counts.size_bytes > 0
        assert disk_bytes is not None
        assert 2000 < disk_bytes <= 3000
        assert told("evictions") == [2, 2]
        assert made.ladder.disk is not None
        made.ladder.disk.invalidate("*")
        await made.ladder.watch_once()
        assert told("bytes") == [0, 0]
        made.ladder.disk.close()


def test_patterns_choose_by_stage_engine_and_generation(tmp_path: Path) -> None:
    """A glob over the key; keys of other stages stay."""
    store = DiskStore(tmp_path, 10_000_000)
    keys = ["tts:piper-1:1:x", "tts:espeak:1:x", "search:minilm:FLAT:g4-ab:5:x"]
    for key in keys:
        store.put(key, b"value", 100)
    assert store.invalidate("tts:espeak:*") == 1
    assert store.invalidate("*:g4-*") == 1
    assert [store.get(key) is not None for key in keys] == [True, False, False]
    assert store.use()["tts"].entries == 1
    store.close()


def test_what_is_on_disk_is_private(tmp_path: Path) -> None:
    """Transcripts and answers are in it: nobody else may read the folder."""
    folder = tmp_path / "cache"
    store = DiskStore(folder, 10_000_000)
    store.put("tts:a", b"x" * 100_000, 100)
    store.close()
    assert folder.stat().st_mode & 0o077 == 0
    for path in (folder / "values").iterdir():
        assert path.stat().st_mode & 0o077 == 0


async def test_everything_off_still_works() -> None:
    """No tier at all: each call runs its work."""
    async with process() as made:
        made.stage.cache._limit_bytes = 0
        made.stage.lower = None
        await made.speak("one")
        await made.speak("one")
    assert made.spoken == ["one", "one"]


def test_the_sound_is_the_same_to_the_sample(tmp_path: Path) -> None:
    """What is kept is lossless."""
    codec, speech = Codec.of(Speech), make_speech("hello")
    again = codec.decode(codec.encode(speech))
    assert again.samples.tobytes() == speech.samples.tobytes()
    assert (again.rate_hz, again.engine, again.word_ends) == (16_000, "fake", (500,))
