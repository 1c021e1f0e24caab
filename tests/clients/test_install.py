"""What `make clients` does when a package index hangs, refuses, or Node is not there."""

import hashlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.install import Step, run_step, trouble_with_node

PATIENCE_S = 30.0


@pytest.fixture
def silent_index() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def unheard(text: str) -> None:
    """Takes what is said, in tests that do not ask for it."""


def step_of(folder: Path, *command: str) -> Step:
    pins = folder / "pins.txt"
    pins.write_text("one==1")
    return Step("pip", (command,), folder, pins, folder / "pip.stamp")


def test_an_index_that_never_answers_ends_the_step_with_what_to_type(
    tmp_path: Path, silent_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real pip, which would wait for minutes, is stopped at the limit."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", silent_index)
    download = ("-m", "pip", "download", "--no-deps", "--retries", "9", "--timeout", "99")
    step = step_of(tmp_path, sys.executable, *download, "a-package-that-is-nowhere==1")
    said: list[str] = []
    began_s = time.monotonic()
    assert not run_step(step, 2.0, said.append)
    assert time.monotonic() - began_s < PATIENCE_S
    assert "stopped after 2 s" in said[-1]
    assert "make clients CLIENTS_LIMIT_S=8" in said[-1]
    assert not step.stamp.exists()


def test_what_a_stopped_step_started_is_stopped_too(tmp_path: Path) -> None:
    """Its whole group ends, a child that ignores the request too."""
    child = (
        "import signal,socket,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "kept = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); time.sleep(99)"
    )
    parent = "import subprocess,sys; subprocess.run([sys.executable,'-c',sys.argv[1],sys.argv[2]])"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        port = str(server.getsockname()[1])
        assert not run_step(
            step_of(tmp_path, sys.executable, "-c", parent, child, port), 3.0, unheard
        )
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE_S)
            assert connection.recv(1) == b""


def test_a_step_that_fails_says_so_and_leaves_no_stamp(tmp_path: Path) -> None:
    """An old stamp is gone too, so that half of a client is never tested."""
    step = step_of(tmp_path, sys.executable, "-c", "raise SystemExit(7)")
    step.stamp.write_text("of other pins")
    said: list[str] = []
    assert not run_step(step, PATIENCE_S, said.append)
    assert "pip ended with 7" in said[-1]
    assert not step.stamp.exists()


def test_a_step_is_done_once_for_its_pins(tmp_path: Path) -> None:
    """Again when they change."""
    step = step_of(tmp_path, sys.executable, "-c", "open('runs', 'a').write('x')")
    for _ in range(2):
        assert run_step(step, PATIENCE_S, unheard)
    assert (tmp_path / "runs").read_text() == "x"
    assert step.stamp.read_text() == hashlib.sha256(b"one==1").hexdigest()
    step.pinned_by.write_text("one==2")
    assert run_step(step, PATIENCE_S, unheard)
    assert (tmp_path / "runs").read_text() == "xx"


def test_without_npm_its_client_is_left_out_and_the_others_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, with what to type; no failure."""
    asked: list[str] = []

    def succeeds(step: Step, *_: object) -> bool:
        asked.append(step.name)
        return True

    monkeypatch.setattr(install, "run_step", succeeds)
    said: list[str] = []
    assert install.install(tmp_path / ".clients", "no-such-npm", 1.0, said.append) == 0
    assert asked == ["pip"]
    assert "npm was not found: @openai/agents is left out" in said[0]
    assert "apt-get install nodejs npm" in said[0]


def test_when_npm_fails_the_others_are_installed_and_the_end_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, after pip's step was done."""
    asked: list[str] = []

    def fails_for_npm(step: Step, *_: object) -> bool:
        asked.append(step.name)
        return step.name != "npm"

    monkeypatch.setattr(install, "run_step", fails_for_npm)
    monkeypatch.setattr(install, "trouble_with_node", lambda npm: "")
    assert install.install(tmp_path / ".clients", "npm", 1.0, unheard) == 1
    assert asked == ["pip", "npm"]


@pytest.mark.parametrize(("version", "is_told"), [("v18.20.4", True), ("v22.1.0", False)])
def test_a_node_that_is_too_old_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_told: bool
) -> None:
    """By its own word."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert trouble_with_node("npm") == (f"Node {version} is too old" if is_told else "")
