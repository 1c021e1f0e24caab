"""Takes in what was written to the store before a question has to, on a thread of its own.

A search follows the store by itself, with or without this: it only finds less left to do. Reading
250 passages, as one commit of an ingest brings, takes 0.5 ms of a search that takes one.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rag.index_live import LiveIndex
from rag.schema import StoreError

QUICK_S = 0.02
"""Between looks while something is written: of 20 questions a second one in 50 comes first."""
SLOW_S = 1.0
"""Between looks otherwise: an idle server wakes up for it once a second."""
LATELY_S = 5.0
"""So long after a change another one is expected: an ingest commits about once a second."""
PATIENCE_S = 2.0
"""How long the end waits for a look that reads just then."""


@dataclass(slots=True)
class IndexFollower:
    """Looks at the generation, which takes 6 microseconds: often while it grows, else seldom."""

    index: LiveIndex
    _seen: int = -1
    _changed_s: float = field(default=-LATELY_S)

    def look(self, now_s: float) -> float:
        """Take in what is new; return in how many seconds to look again.

        A store that cannot be read is for the search and the keeper to tell.
        """
        try:
            generation = self.index.refresh().generation
        except (StoreError, OSError, sqlite3.Error, MemoryError):
            return SLOW_S
        is_first = self._seen < 0
        if generation != self._seen:
            self._seen = generation
            self._changed_s = self._changed_s if is_first else now_s
        return QUICK_S if now_s - self._changed_s < LATELY_S else SLOW_S

    def run(self, stopped: threading.Event) -> None:
        """Look until it is stopped."""
        wait_s = 0.0
        while not stopped.wait(wait_s):
            wait_s = self.look(time.monotonic())


@contextmanager
def following(index: LiveIndex) -> Iterator[None]:
    """Have the index follow the store meanwhile. At the end a look that reads is waited for."""
    stopped = threading.Event()
    thread = threading.Thread(
        target=IndexFollower(index).run, args=(stopped,), name="index-follower", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(PATIENCE_S)
