"""Row 20: a full disk under the cache: turns go on, writes pause, one warning and a metric.

Promise: the turn is unaffected; writes pause; one warning and a metric.

Seen to fail: with DiskFull not caught in the cache's writer the task that writes ended with it.
"""

import errno
import logging
from pathlib import Path

import pytest

from server.cache.disk_tier import DiskFull, DiskStore
from server.cache.metrics import Found, Tier, Written
from tests.laddered import Process, process


def fill(store: DiskStore) -> None:
    for number in range(100):
        store.put(f"tts:{number}", b"x" * 4000, 100)


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(self: DiskStore, key: str, blob: bytes, expires_at_s: float) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DiskStore, "_write", no_room)


def is_up(made: Process) -> float | None:
    return made.metrics.registry.get_sample_value("parley_cache_up", {"tier": "disk"})


async def test_20_disk_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The turn's work runs, writes rest after the first failure, and it is said once."""
    async with process(tmp_path) as made:
        await made.speak("before")
        await made.settle()
        fill_disk(monkeypatch)
        with caplog.at_level(logging.WARNING):
            for sentence in ("one", "two", "three"):
                assert not (await made.speak(sentence)).is_hit
            await made.settle()
        assert made.metrics.cache.writes == {
            (Tier.DISK, Written.STORED): 1,
            (Tier.DISK, Written.FAILED): 1,
            (Tier.DISK, Written.PAUSED): 2,
        }
        assert [record.message for record in caplog.records] == [
            "The disk cache is full: it takes no writes for now"
        ]
        assert is_up(made) == 0, "at once"
        made.forget()
        assert (await made.speak("before")).is_hit, "what is kept is still read"
        assert made.count(Tier.DISK, Found.HIT) == 1
        await made.ladder.watch_once()
        assert is_up(made) == 0, "and as long as the writes rest"


def test_20_sqlites_own_word_for_a_full_disk_counts_too(tmp_path: Path) -> None:
    """The index cannot grow: DiskFull, what was kept stays, and a later write works again."""
    store = DiskStore(tmp_path, 10_000_000)
    store.put("tts:a", b"x" * 1000, 100)
    connection = store._connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull):
        fill(store)
    assert store.is_paused
    assert not store.put("tts:b", b"x", 100)
    assert store.get("tts:a") == b"x" * 1000
    connection.execute("PRAGMA max_page_count = 100000")
    store._full_until_s = 0
    assert store.put("tts:b", b"x", 100)
    store.close()


def test_20_a_file_that_does_not_fit_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that was written is removed, and the key is a miss."""
    store = DiskStore(tmp_path, 10_000_000)

    def no_room(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("server.cache.disk_tier.os.replace", no_room)
        with pytest.raises(DiskFull):
            store.put("tts:a", b"x" * 100_000, 100)
    assert list((tmp_path / "values").iterdir()) == []
    assert store.get("tts:a") is None
    store.close()
