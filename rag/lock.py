"""One ingest at a time, across processes, by a lock file that its holder's death frees."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.schema import StoreError


class StoreBusyError(StoreError):
    """Another process is writing; the text names it."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`. Raises StoreBusyError at once when someone else holds it."""
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read(20).strip() or "unknown"
            raise StoreBusyError(
                f"another ingest (process {holder}) is writing to this store; wait until it ends"
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
