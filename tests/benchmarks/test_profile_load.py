"""benchmarks/profile_load.py: what it writes, round a server that the test stands in for."""

import pstats
import threading
from pathlib import Path

import pytest

from benchmarks import profile_load
from benchmarks.profile_load import Load, cpu_by_thread, profile_cpu, profile_memory
from server.settings import Settings


def burn_and_keep(settings: Settings, load: Load) -> None:
    """A server whose load keeps a megabyte after the first round."""
    kept = [bytes(1000)]
    load.on_warm()
    kept += [bytes(1000) for _ in range(1000)]
    load.on_end()


def test_the_memory_profile_tells_what_grew_and_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A thousand kilobytes, at the line of this file that keeps them."""
    monkeypatch.setattr(profile_load, "_serve", burn_and_keep)
    profile_memory(Settings(), Load(1, 2), tmp_path)
    told = (tmp_path / "profile-memory.txt").read_text().splitlines()
    first = told[told.index("Grown since the first round:") + 1]
    assert "test_profile_load.py" in first
    assert int(told[1].split(" by ")[1].split(" KB")[0]) >= 900


def test_the_cpu_profile_has_the_loop_and_the_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Functions by their own time, for people and for tools, and each thread's CPU by name."""
    monkeypatch.setattr(profile_load, "_serve", burn_and_keep)
    profile_cpu(Settings(), Load(1, 2), tmp_path)
    told = (tmp_path / "profile-cpu.txt").read_text()
    assert "burn_and_keep" in told
    assert "MainThread" in told.split("The event loop:")[0]
    assert pstats.Stats(str(tmp_path / "profile-cpu.pstats")).total_calls > 0  # type: ignore[attr-defined]


def test_threads_are_told_by_name() -> None:
    """A thread that runs is found under the name that was given to it."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="stt-7")
    thread.start()
    names = [name for name, _ in cpu_by_thread()]
    done.set()
    thread.join()
    assert "stt-7" in names


def test_a_load_that_is_not_answered_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and the error's name: no profile of nothing."""

    def refuse(settings: Settings, load: Load) -> None:
        load.run("ws://127.0.0.1:1/ws")

    monkeypatch.setattr(profile_load, "_serve", refuse)
    monkeypatch.setattr(profile_load, "OUT_DIR", tmp_path / "out")
    assert profile_load.main(["--rounds", "1"]) == 1
    assert "the load failed: NoServer" in capsys.readouterr().out
