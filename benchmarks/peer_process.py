"""pipecat bots in processes of their own, for as long as a block runs; it asks them nothing."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peer_setups import PeerSetup
from benchmarks.server_process import READY_TIMEOUT_S, ROOT, ended_after

PEER_PYTHON = ROOT / ".venv-peer" / "bin" / "python"
_VERSIONS = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


class NoPeer(RuntimeError):
    """The peer is not installed or does not start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RunningBots:
    """One port for each session; several may be of one process."""

    ports: tuple[int, ...]
    process_ids: tuple[int, ...]


def versions_by(python: str | Path, packages: Sequence[str]) -> str:
    """Return a JSON object of the packages' versions in that environment. Raises NoPeer."""
    command = [str(python), "-c", _VERSIONS, *packages]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPeer(f"{python} has no {packages[0]}: run `make peer`.") from error
    return asked.stdout


@contextmanager
def running_bots(
    setup: PeerSetup, config: Path, sessions: int, *, process_per_session: bool = False
) -> Iterator[RunningBots]:
    """Start bots for that many sessions, wait until all listen, and end them with SIGTERM.

    Raises NoPeer when one does not start.
    """
    ports = _free_ports(sessions)
    groups = [[port] for port in ports] if process_per_session else [ports]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(ended_after(_started(setup, config, group))) for group in groups
        ]
        for process, group in zip(processes, groups, strict=True):
            _wait_until_ready(process, len(group))
        yield RunningBots(tuple(ports), tuple(process.pid for process in processes))


def _started(setup: PeerSetup, config: Path, ports: Sequence[int]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PEER_PYTHON, "-m", "benchmarks.peer_bot", config, *map(str, ports)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **setup.variables},
    )


def _wait_until_ready(process: "subprocess.Popen[str]", ports: int) -> None:
    assert process.stdout is not None
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    ready = 0
    for line in process.stdout:
        ready += line.startswith("ready ")
        if ready == ports:
            return
        if time.monotonic() > deadline_s:
            break
    raise NoPeer(f"A pipecat bot did not start (exit code {process.poll()}).")


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; all are held until the last one is known."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def say(text: str) -> None:
    """Tell a person how the run goes; results go to standard output."""
    print(f"  {text}", file=sys.stderr, flush=True)
