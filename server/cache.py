"""The memory tier of the cache: bounded by bytes, by age, and least recently used first out.

For one event loop, without locks. It knows nothing of Redis or disk.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(slots=True)
class CacheCounts:
    """What one cache has done since it was made."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    size_bytes: int = 0

    @property
    def hit_rate(self) -> float:
        """Hits among lookups, 0 to 1; 0 before the first."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    size_bytes: int
    expires_at_s: float


class MemoryCache(Generic[Value]):
    """Keeps values by key up to `limit_bytes` in all; 0 keeps nothing.

    `size_of` gives a value's bytes; `clock` is monotonic seconds.
    """

    def __init__(
        self,
        limit_bytes: int,
        ttl_s: float,
        size_of: Callable[[Value], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = CacheCounts()
        self._limit_bytes = limit_bytes
        self._ttl_s = ttl_s
        self._size_of = size_of
        self._clock = clock
        self._entries: OrderedDict[str, _Entry[Value]] = OrderedDict()

    def get(self, key: str, *, is_counted: bool = True) -> Value | None:
        """Return the value, or None when it is absent or too old."""
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at_s <= self._clock():
            self._remove(key)
            entry = None
        self.counts.misses += entry is None and is_counted
        self.counts.hits += entry is not None and is_counted
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: str, value: Value) -> None:
        """Keep the value, dropping the least recently used for room; one too big is not kept."""
        size_bytes = self._size_of(value) + len(key)
        if key in self._entries:
            self._remove(key)
        if size_bytes > self._limit_bytes:
            return
        self._entries[key] = _Entry(value, size_bytes, self._clock() + self._ttl_s)
        self.counts.size_bytes += size_bytes
        while self.counts.size_bytes > self._limit_bytes:
            self._remove(next(iter(self._entries)))
            self.counts.evictions += 1

    def clear(self) -> None:
        """Drop everything; the counts of hits and misses stay."""
        self._entries.clear()
        self.counts.size_bytes = 0

    def _remove(self, key: str) -> None:
        self.counts.size_bytes -= self._entries.pop(key).size_bytes
