"""A real redis-server on a private loopback port, to be killed, frozen and brought back.

It is Debian's program, started without files and without other people's settings. Tests use it too.
"""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

START_TIMEOUT_S = 10


def redis_program() -> str | None:
    """Return the path of redis-server, None where it is not installed."""
    return shutil.which("redis-server")


class RedisProcess:
    """One server; `stop` ends it, whatever was done to it before."""

    def __init__(self, program: str, folder: Path, *extra: str, port: int = 0) -> None:
        self.port = port or free_port()
        self._command = [program, *extra, "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """What PARLEY_REDIS_URL would say."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it (again) on the same port and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                self.stop()
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """As a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def command(self, *words: str) -> str:
        """Send one command and return the first part of the answer, for setting a test up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            link.sendall((" ".join(words) + "\r\n").encode())
            return link.recv(65536).decode(errors="replace")

    def __enter__(self) -> "RedisProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            return "PONG" in self.command("PING")
        except OSError:
            return False


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as link:
        link.bind(("127.0.0.1", 0))
        return int(link.getsockname()[1])


@contextmanager
def redis_process() -> Iterator[RedisProcess | None]:
    """Run a server that keeps nothing on disk; None where the program is missing."""
    program = redis_program()
    if program is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        options = ("--save", "", "--appendonly", "no")
        with RedisProcess(program, Path(folder), *options) as running:
            yield running
