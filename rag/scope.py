"""The passages that a filter lets through, found once and kept. It ranks nothing but their cosines.

An index knows no filters. A scope of few passages is therefore compared exactly, vector by vector;
for a wider one the index is asked for more than is wanted and what lies outside is left out.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vector, Vectors
from rag.filter import Filter
from rag.index import NO_PASSAGE, Index
from rag.store import Store

EXACT_PASSAGES = 4_000
"""Up to so many are compared exactly: 6 MB at 384 values, half a millisecond."""

SCOPES_KEPT = 8

SURPLUS = 2
"""How many more are asked of the index than an even spread of the scope would need."""

MOST_ASKED = 2_000
"""Of the index. A scope of under 1 in 20 passages may so have fewer dense candidates than wanted;
the words' ranking is exact in any scope and fills up."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`ids` ascending; `vectors` are theirs where there are at most EXACT_PASSAGES."""

    generation: int
    ids: NDArray[np.int64]
    vectors: Vectors | None

    def nearest(self, index: Index, vector: Vector, limit: int) -> list[int]:
        """Passage ids by cosine, best first; fewer than `limit` when the scope holds no more."""
        if self.vectors is not None:
            cosines = self.vectors @ vector
            return [int(self.ids[row]) for row in np.argsort(-cosines, kind="stable")[:limit]]
        share = len(self.ids) / max(1, index.size)
        asked = min(index.size, MOST_ASKED, int(SURPLUS * limit / share) + 1)
        found, _ = index.search(vector[None, :], asked)
        inside = found[0][(found[0] != NO_PASSAGE) & np.isin(found[0], self.ids)]
        return [int(number) for number in inside[:limit]]


class Scopes:
    """Remembers the SCOPES_KEPT filters used last, each at one generation. Safe from threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[Filter, Scope] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, narrowing: Filter) -> Scope:
        """The scope as of now."""
        generation = self._store.generation()
        with self._lock:
            kept = self._kept.get(narrowing)
            if kept is not None and kept.generation == generation:
                self._kept.move_to_end(narrowing)
                return kept
        made = self._make(narrowing, generation)
        with self._lock:
            self._kept[narrowing] = made
            self._kept.move_to_end(narrowing)
            while len(self._kept) > SCOPES_KEPT:
                self._kept.popitem(last=False)
        return made

    def _make(self, narrowing: Filter, generation: int) -> Scope:
        ids = self._store.passages_within(narrowing)
        if len(ids) > EXACT_PASSAGES:
            return Scope(generation, ids, None)
        stored = self._store.vectors(ids.tolist())
        present = [number for number in ids.tolist() if number in stored]
        vectors = np.empty((len(present), self._store.dimension), np.float32)
        for row, number in enumerate(present):
            vectors[row] = stored[number]
        return Scope(generation, np.array(present, np.int64), vectors)
