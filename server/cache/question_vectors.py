"""The vectors of questions, kept by their words: after an ingest another index is asked the same.

In memory alone: Redis and disk take as long as the embedder (docs/adr/0013).
"""

import threading
import time
from collections.abc import Sequence

import numpy as np

from models.embedder import Embedder
from rag.embedding import Vector, Vectors
from server.cache.memory_tier import MemoryCache
from server.cache.metrics import CacheMetrics, Found, Tally, Tier

NAME = "embed"
"""Where a stage's name stands in the series."""


class LockedMemoryCache(MemoryCache[Vector]):
    """A memory tier that threads use while the event loop changes its size."""

    def __init__(self, limit_bytes: int, ttl_s: float) -> None:
        super().__init__(limit_bytes, ttl_s, lambda vector: int(vector.nbytes))
        self._lock = threading.Lock()

    def get(self, key: str, *, is_counted: bool = True) -> Vector | None:
        """See MemoryCache."""
        with self._lock:
            return super().get(key, is_counted=is_counted)

    def put(self, key: str, value: Vector, cost_ms: float = 0.0, age_s: float = 0.0) -> None:
        """See MemoryCache."""
        with self._lock:
            super().put(key, value, cost_ms, age_s)

    def clear(self) -> None:
        """See MemoryCache."""
        with self._lock:
            super().clear()

    def resize(self, limit_bytes: int) -> None:
        """See MemoryCache."""
        with self._lock:
            super().resize(limit_bytes)

    def squeeze(self, share: float) -> None:
        """See MemoryCache."""
        with self._lock:
            super().squeeze(share)


class QuestionVectors:
    """Embeds what was not asked lately. Safe from several threads; two may embed the same."""

    def __init__(self, limit_bytes: int, ttl_s: float, metrics: CacheMetrics) -> None:
        self.cache = LockedMemoryCache(limit_bytes, ttl_s)
        self._metrics = metrics
        self._counting = threading.Lock()
        # Made here, on the event loop, which reads the tallies while threads count.
        metrics.tallies.setdefault((NAME, Tier.MEMORY), Tally())

    def of(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        """Return what Embedder.embed does, shape (len(texts), dimension), and raise the same."""
        found = {text: self._look(embedder, text) for text in dict.fromkeys(texts)}
        missing = [text for text, vector in found.items() if vector is None]
        if missing:
            started_at_s = time.perf_counter()
            made = embedder.embed(missing)
            cost_ms = (time.perf_counter() - started_at_s) * 1000 / len(missing)
            for text, row in zip(missing, made, strict=True):
                # A copy: a row would keep all rows of its call.
                found[text] = vector = row.copy()
                self.cache.put(_key(embedder, text), vector, cost_ms)
        return np.stack([vector for text in texts if (vector := found[text]) is not None])

    def _look(self, embedder: Embedder, text: str) -> Vector | None:
        with self._counting:
            saved_ms, started_at_s = self.cache.counts.saved_ms, time.perf_counter()
            vector = self.cache.get(_key(embedder, text))
            seconds = time.perf_counter() - started_at_s
            result = Found.MISS if vector is None else Found.HIT
            saved_ms = self.cache.counts.saved_ms - saved_ms
            self._metrics.looked_up(NAME, Tier.MEMORY, result, seconds, saved_ms)
        return vector


def _key(embedder: Embedder, text: str) -> str:
    return f"{embedder.fingerprint}:{text}"
