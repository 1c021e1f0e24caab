"""Wall-clock seconds that run steadily: set once at the start, then by the monotonic clock.

A clock that jumps while the process runs so changes the age of nothing. Across a restart the
entries' own tolerance decides; see server/cache/entry.py.
"""

import time
from collections.abc import Callable


class SteadyClock:
    """Call it for seconds since 1970."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()

    def __call__(self) -> float:
        """Return the seconds."""
        return self._offset_s + self._monotonic()
