"""`parley cache`: what is kept is told, dropped and made, beside a server or without one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from server.cache.disk_tier import DiskStore
from server.cli import main
from server.engines.idle import IdleTime
from server.settings import Settings, SettingsError, load_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PARLEY_TTS", "espeak")
    store = DiskStore(replace(Settings(), data_dir=tmp_path).cache_dir, 10_000_000)
    for key in ("tts:one:x", "tts:two:x", "search:one:x"):
        store.put(key, b"value", 1000)
    store.close()
    return tmp_path


def test_stats_invalidate_and_clear(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By stage; what matches goes, then all."""
    assert main(["cache", "invalidate", "tts:one:*"]) == 0
    assert "1 values dropped" in capsys.readouterr().out
    assert main(["cache", "stats", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["disk"]) == {"tts", "search"}
    assert main(["cache", "clear"]) == 0
    assert main(["cache", "stats"]) == 0
    assert "disk: empty" in capsys.readouterr().out


def test_a_redis_that_does_not_answer_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1; the disk is cleared all the same, and no password is shown."""
    monkeypatch.setenv("PARLEY_REDIS_URL", "redis://:hush@127.0.0.1:1/0")
    assert main(["cache", "clear"]) == 1
    told = capsys.readouterr()
    assert "disk: 3 values dropped" in told.out
    assert "does not answer" in told.err
    assert "hush" not in told.out + told.err


def test_no_tier_is_misuse(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to look at."""
    monkeypatch.setenv("PARLEY_CACHE_DISK", "0")
    assert main(["cache", "stats"]) == 2


def test_a_tag_is_a_part_of_the_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole or up to a -, in whatever place; a part of a word is none, and a glob is no tag."""
    store = DiskStore(replace(Settings(), data_dir=folder).cache_dir, 10_000_000)
    for key in ("tts:espeak-1:en:x", "answer:minilm:g4-ab:x", "search:minilm:g41-ab:x"):
        store.put(key, b"value", 1000)
    store.close()
    for tag, count in (("g4", 1), ("espeak", 1), ("o*", 0), ("one", 2), ("tts", 1), ("lm", 0)):
        assert main(["cache", "invalidate", "--tag", tag]) == 0
        assert f"{count} values dropped" in capsys.readouterr().out, tag
    with pytest.raises(SystemExit, match="2"):
        main(["cache", "invalidate"])
    with pytest.raises(SystemExit, match="2"):
        main(["cache", "invalidate", "tts:*", "--tag", "g4"])


def test_warm_fills_the_disk(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal and a question's whole answer are spoken, each once the machine has time; a
    missing file is misuse.
    """
    waited: list[IdleTime] = []

    async def wait(idle: IdleTime) -> None:
        waited.append(idle)

    monkeypatch.setattr(IdleTime, "wait", wait)
    assert main(["cache", "clear"]) == 0
    asked = folder / "asked.txt"
    asked.write_text("what does it cost\n\n")
    assert main(["cache", "warm", "--questions", str(asked)]) == 0
    assert main(["cache", "stats", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told["disk"]) == {"tts", "search", "answer"}
    assert len(waited) == 2
    assert main(["cache", "warm", "--questions", str(folder / "none.txt")]) == 2


def test_a_wrong_redis_address_is_refused_without_its_password() -> None:
    """With what is accepted."""
    with pytest.raises(SettingsError) as refused:
        load_settings({"PARLEY_REDIS_URL": "redsi://:hush@host"})
    assert "accepted are redis://" in str(refused.value)
    assert "hush" not in str(refused.value)
