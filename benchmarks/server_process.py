"""A Parley server in a process of its own, on a free loopback port, for as long as a block runs."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 30
NOTHING_KEPT = {"PARLEY_CACHE_DISK": "0"}
"""A benchmark's first turn must not find what the run before it left."""
STANDIN_SERVER = "benchmarks.standin_server"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers."""

    port: int
    process_id: int
    ready_s: float
    """From the start of the process to its first offer of an address."""

    @property
    def url(self) -> str:
        """The WebSocket's address."""
        return f"ws://127.0.0.1:{self.port}/ws"


@contextmanager
def running_server(
    variables: Mapping[str, str] | None = None,
    *,
    with_samples: bool = True,
    script: Path | None = None,
    program: Sequence[str] | None = None,
    trims: bool = False,
) -> Iterator[RunningServer]:
    """Start `parley serve --port 0`, wait for its address, and end it with SIGTERM.

    `variables` are added to the environment. With a script (benchmarks/script.py) the server has
    stand-in engines and says the script's words; `program` names another module and what it takes;
    one that `trims` gives freed memory back at SIGUSR1 (benchmarks/trimming.py).
    Raises RuntimeError when it does not start.
    """
    usual = ["server.cli", "serve"] if script is None else [STANDIN_SERVER, str(script)]
    trimming = ["benchmarks.trimming"] if trims else []
    command = [sys.executable, "-m", *trimming, *(program or usual), "--port", "0"]
    started_at_s = time.monotonic()
    process = subprocess.Popen(
        [*command, "--samples"] if with_samples else command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **NOTHING_KEPT, **(variables or {})},
    )
    with ended_after(process):
        port = _wait_for_port(process)
        yield RunningServer(port, process.pid, time.monotonic() - started_at_s)


@contextmanager
def ended_after(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """End it with SIGTERM after the block; kill it when it has not left STOP_TIMEOUT_S later."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for_port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    for line in process.stdout:
        print(f"  {line.rstrip()}", file=sys.stderr)
        if found := re.search(r"Open https?://\S+:(\d+)", line):
            return int(found[1])
        if time.monotonic() > deadline_s:
            break
    raise RuntimeError(f"The server did not start (exit code {process.poll()}).")
