"""The memory tier of the cache: bounded by bytes, by age, and least recently used first out.

For one event loop, without locks. It knows nothing of Redis or disk: see server/cache/ladder.py.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

TTL_JITTER: Final = 0.1
"""Values made together expire over this share of their age limit, so not all at one moment."""


@dataclass(slots=True)
class CacheCounts:
    """What one cache has done since it was made."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    size_bytes: int = 0
    saved_ms: float = 0.0
    """What the hits' values cost when they were made."""

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
    cost_ms: float


class MemoryCache(Generic[Value]):
    """Keeps values by key up to `limit_bytes` in all; 0 keeps nothing.

    `size_of` gives a value's bytes; `clock` is monotonic seconds; `chance` gives 0 to 1.
    """

    def __init__(
        self,
        limit_bytes: int,
        ttl_s: float,
        size_of: Callable[[Value], int],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.counts = CacheCounts()
        self.ttl_s = ttl_s
        """May be changed: what is kept already expires as it was to."""
        self._limit_bytes = limit_bytes
        self._share = 1.0
        self._size_of = size_of
        self._clock = clock
        self._chance = chance
        self._entries: OrderedDict[str, _Entry[Value]] = OrderedDict()

    def get(self, key: str, *, is_counted: bool = True) -> Value | None:
        """Return the value, or None when it is absent or too old."""
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at_s <= self._clock():
            self._remove(key)
            entry = None
        if entry is None:
            self.counts.misses += is_counted
            return None
        if is_counted:
            self.counts.hits += 1
            self.counts.saved_ms += entry.cost_ms
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: str, value: Value, cost_ms: float = 0.0, age_s: float = 0.0) -> None:
        """Keep the value, dropping the least recently used for room; one too big is not kept.

        `cost_ms` is what making it took; `age_s` how long ago that was.
        """
        size_bytes = self._size_of(value) + len(key)
        if key in self._entries:
            self._remove(key)
        ttl_s = self.ttl_s * (1 - TTL_JITTER * self._chance()) - age_s
        if size_bytes > self.limit_bytes or ttl_s <= 0:
            return
        self._entries[key] = _Entry(value, size_bytes, self._clock() + ttl_s, cost_ms)
        self.counts.size_bytes += size_bytes
        self._make_room()

    @property
    def limit_bytes(self) -> int:
        """What may be kept now."""
        return int(self._limit_bytes * self._share)

    def resize(self, limit_bytes: int) -> None:
        """Keep up to so much from now on; what is too much is dropped."""
        self._limit_bytes = limit_bytes
        self._make_room()

    def squeeze(self, share: float) -> None:
        """Keep only that share, 0 to 1, of the limit until told otherwise: memory is short."""
        self._share = share
        self._make_room()

    def values(self) -> list[Value]:
        """Return what is kept, most recently used first."""
        return [entry.value for entry in reversed(self._entries.values())]

    def size_of(self, value: Value) -> int:
        """Return what the value counts for."""
        return self._size_of(value)

    def clear(self) -> None:
        """Drop everything; the counts of hits and misses stay."""
        self._entries.clear()
        self.counts.size_bytes = 0

    def _make_room(self) -> None:
        while self.counts.size_bytes > self.limit_bytes:
            self._remove(next(iter(self._entries)))
            self.counts.evictions += 1

    def _remove(self, key: str) -> None:
        self.counts.size_bytes -= self._entries.pop(key).size_bytes
