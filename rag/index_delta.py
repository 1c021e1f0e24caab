"""Vectors in memory that are compared one and all: those that no snapshot holds, or not yet.

Views never change; adding gives a new view that shares the memory of the old one.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.index import LOWEST

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]

_LEAST_CAPACITY = 256


@dataclass(slots=True)
class _Buffer:
    """Rows below `used` are never written again, so views of them need no lock."""

    ids: Ids
    vectors: Vectors
    used: int


@dataclass(frozen=True, slots=True)
class Delta:
    """`size` passages, their ids ascending, some of them removed since."""

    size: int
    removed: NDArray[np.int64]
    """Rows that must not be found, ascending."""
    _buffer: _Buffer = field(repr=False)

    @classmethod
    def empty(cls, dimension: int) -> "Delta":
        """Without passages."""
        buffer = _Buffer(np.empty(0, np.int64), np.empty((0, dimension), np.float32), 0)
        return cls(0, np.empty(0, np.int64), buffer)

    @property
    def ids(self) -> Ids:
        """(size,) ascending."""
        return self._buffer.ids[: self.size]

    @property
    def live(self) -> int:
        """Passages that can be found."""
        return self.size - len(self.removed)

    def with_added(self, ids: Ids, vectors: Vectors) -> "Delta":
        """Also hold these, whose ids are higher than all here. One caller at a time."""
        size, buffer = self.size + len(ids), self._buffer
        if buffer.used != self.size or size > len(buffer.ids):
            buffer = self._copy(max(2 * size, _LEAST_CAPACITY) if self.size else size)
        buffer.ids[self.size : size] = ids
        buffer.vectors[self.size : size] = vectors
        buffer.used = size
        return Delta(size, self.removed, buffer)

    def without(self, passage_ids: Ids) -> "Delta":
        """Never find these; ids that are not here are no error."""
        gone = np.flatnonzero(np.isin(self.ids, passage_ids))
        return Delta(self.size, np.union1d(self.removed, gone), self._buffer)

    def after(self, passage_id: int) -> "Delta":
        """Only the live passages with a higher id, in memory of their own."""
        first = int(np.searchsorted(self.ids, passage_id, side="right"))
        keep = np.setdiff1d(np.arange(first, self.size), self.removed)
        made = Delta.empty(self._buffer.vectors.shape[1])
        return made.with_added(self.ids[keep], self._buffer.vectors[keep]) if len(keep) else made

    def search(self, vectors: Vectors, k: int) -> tuple[Ids, Scores]:
        """Ids and cosines, (n, min(k, live)), best first."""
        scores: Scores = vectors @ self._buffer.vectors[: self.size].T
        scores[:, self.removed] = LOWEST
        count = min(k, self.live)
        if count == 0:
            rows = np.empty((len(vectors), 0), np.int64)
        elif count < self.size:
            rows = np.argpartition(scores, self.size - count, axis=1)[:, self.size - count :]
        else:
            rows = np.broadcast_to(np.arange(self.size), scores.shape)
        found = np.take_along_axis(scores, rows, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        best = np.take_along_axis(rows, order, axis=1)
        return self.ids[best], np.take_along_axis(found, order, axis=1)

    def _copy(self, capacity: int) -> _Buffer:
        ids = np.empty(capacity, np.int64)
        vectors = np.empty((capacity, self._buffer.vectors.shape[1]), np.float32)
        ids[: self.size] = self.ids
        vectors[: self.size] = self._buffer.vectors[: self.size]
        return _Buffer(ids, vectors, self.size)
