"""Hands files to reader processes and takes back passages, or the reason why there are none.

A reader that exceeds its time is killed, one that dies is replaced: no file stops an ingest.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from rag.blocks import DocumentError
from rag.chunk import Passage

START_TIMEOUT_S = 60.0

_CHILD = "import sys; sys.path[:] = {path!r}; from rag.read_child import main; main()"


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one file may take: by the clock, and in address space."""

    seconds: int = 120
    memory_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A file as it goes into the store: `tags` are its own."""

    title: str
    tags: tuple[str, ...]
    passages: tuple[Passage, ...]


class ReadPool:
    """As many processes as threads call read() at once; they start when first needed.

    close() ends them all, even those at work, whose callers then get a DocumentError.
    """

    def __init__(self, limits: ReadLimits, code: str = "") -> None:
        """`code` replaces the child's program, for tests."""
        self._limits = limits
        self._code = code or _CHILD.format(path=[os.path.abspath(entry) for entry in sys.path])
        self._guard = threading.Lock()
        self._idle: list[_Reader] = []
        self._all: set[_Reader] = set()
        self._is_closed = False

    def read(self, path: Path) -> ReadDocument:
        """Blocking. Raises DocumentError with the cause, as a clause that goes after the name."""
        reader = self._take()
        try:
            content = reader.ask(path, self._limits.seconds)
        except DocumentError:
            self._drop(reader)
            raise
        with self._guard:
            is_wanted = not self._is_closed
            if is_wanted:
                self._idle.append(reader)
        if not is_wanted:
            self._drop(reader)
        return _document(content)

    def close(self) -> None:
        """Kill every process. Safe to call twice."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
            at_work = self._all.difference(idle)
        for reader in at_work:
            reader.stop()
        for reader in idle:
            self._drop(reader)

    def _take(self) -> "_Reader":
        with self._guard:
            if self._is_closed:
                raise DocumentError("the ingest was stopped")
            if self._idle:
                return self._idle.pop()
        reader = _Reader(self._code, self._limits)
        with self._guard:
            self._all.add(reader)
            is_wanted = not self._is_closed
        if not is_wanted:
            self._drop(reader)
            raise DocumentError("the ingest was stopped")
        return reader

    def _drop(self, reader: "_Reader") -> None:
        with self._guard:
            self._all.discard(reader)
        reader.kill()


class _Reader:
    """One process and the socket to it."""

    def __init__(self, code: str, limits: ReadLimits) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._socket: Connection = ours
        arguments = [str(theirs.fileno()), str(limits.seconds), str(limits.memory_bytes)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._is_ready = False

    def ask(self, path: Path, seconds: float) -> bytes:
        if not self._is_ready:
            self._receive(START_TIMEOUT_S)
            self._is_ready = True
        try:
            self._socket.send_bytes(os.fsencode(path))
        except OSError:
            raise DocumentError("its reader ended by itself") from None
        return self._receive(seconds)

    def stop(self) -> None:
        """Whoever waits for an answer gets its DocumentError."""
        self._process.kill()

    def kill(self) -> None:
        """The last call."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _receive(self, seconds: float) -> bytes:
        try:
            if not self._socket.poll(seconds):
                raise DocumentError(f"reading it takes more than {seconds:g} s")
            return self._socket.recv_bytes()
        except (EOFError, OSError):
            raise DocumentError("its reader ended by itself (it may be damaged)") from None


def _document(content: bytes) -> ReadDocument:
    told = json.loads(content)
    if "error" in told:
        raise DocumentError(told["error"])
    title = told["title"]
    passages = tuple(
        Passage(title, tuple(headings), position, tuple(sentences))
        for headings, position, sentences in told["passages"]
    )
    return ReadDocument(title, tuple(told["tags"]), passages)
