"""The process that reads documents for an ingest, under limits, so that no parser can harm it.

It is started by rag/read_pool.py, talks JSON over a socket, and writes no file.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from rag.blocks import DocumentError
from rag.chunk import make_passages
from rag.documents import read_document

CPU_GRACE_S = 5
"""The parent ends a slow reader by the clock; a reader whose parent died ends itself by this."""


def main() -> None:
    """Serve until the parent closes its end: `read_child SOCKET SECONDS MEMORY_BYTES`."""
    descriptor, seconds, memory_bytes = map(int, sys.argv[1:4])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with Connection(descriptor) as parent:
        parent.send_bytes(b"ready")
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                path = os.fsdecode(parent.recv_bytes())
                _limit_time(seconds)
                parent.send_bytes(answer(Path(path), memory_bytes))


def answer(path: Path, memory_bytes: int) -> bytes:
    """What became of one file, as JSON: its title, tags and passages, or why not."""
    try:
        document = read_document(path)
        passages = [
            (passage.headings, passage.position, passage.sentences)
            for passage in make_passages(document)
        ]
        told = {"title": document.title, "tags": document.tags, "passages": passages}
        return json.dumps(told).encode()
    except DocumentError as error:
        return json.dumps({"error": str(error)}).encode()
    except OSError as error:
        cause = error.strerror or type(error).__name__
        return json.dumps({"error": f"it cannot be read ({cause})"}).encode()
    except MemoryError:
        limit = f"{memory_bytes // 1_000_000} MB"
        return json.dumps({"error": f"reading it takes more than {limit} of memory"}).encode()


def _limit_time(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + CPU_GRACE_S
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
