"""One holder at a time, across processes and threads, by a lock file. It protects no data itself.

The kernel drops the lock when its holder dies, so that a stale file never blocks anyone.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_S = 0.05


@contextmanager
def exclusive(
    path: Path, wait_s: float, pause: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Hold the lock file at `path`, which is made and stays, while the block runs.

    `pause` waits between attempts and may raise to give up. Raises TimeoutError after `wait_s`.
    """
    with path.open("ab") as stream:
        deadline_s = time.monotonic() + wait_s
        while not _is_taken(stream):
            if time.monotonic() >= deadline_s:
                raise TimeoutError(f"{path} is held by another process")
            pause(_POLL_S)
        yield


def _is_taken(stream: IO[bytes]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
