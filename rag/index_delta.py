"""Vectors in memory that are compared one and all: those that no snapshot holds, or not yet.

Views never change; adding gives a new view that shares the memory of the old one. A vector is
written once and never moved: growing by doubling copied 18 MB inside a search, 42 ms. The first of
many may be put into cells (rag/index_cells.py); the others are still compared one and all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.index import LOWEST, NO_PASSAGE
from rag.index_cells import Cells
from rag.snapshot import rows_of

Ids = NDArray[np.int64]
Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

BLOCK_ROWS = 4_096
"""6 MB at 384 values. What is added at once and is more gets a block of its own."""


@dataclass(slots=True)
class _Block:
    """Rows below `used` are never written again, so views of them need no lock."""

    vectors: Vectors
    used: int


@dataclass(frozen=True, slots=True)
class _Part:
    """The first `size` rows of a block: what one view sees of it."""

    block: _Block
    size: int

    @property
    def vectors(self) -> Vectors:
        """(size, dimension)."""
        return self.block.vectors[: self.size]

    @property
    def free(self) -> int:
        """How many rows may be added behind these; 0 where another view has done so."""
        return len(self.block.vectors) - self.size if self.block.used == self.size else 0

    def with_added(self, vectors: Vectors) -> "_Part":
        """At most `free` more."""
        size = self.size + len(vectors)
        self.block.vectors[self.size : size] = vectors
        self.block.used = size
        return _Part(self.block, size)


@dataclass(frozen=True, slots=True)
class Delta:
    """Some passages, of which some were removed since."""

    ids: Ids
    """(size,) ascending."""
    removed: Rows
    """Rows that must not be found, ascending."""
    dimension: int
    _parts: tuple[_Part, ...] = field(repr=False)
    cells: Cells | None = None
    """Of the first rows."""

    @classmethod
    def empty(cls, dimension: int) -> "Delta":
        """Without passages."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), dimension, ())

    @property
    def in_cells(self) -> int:
        """How many rows need not be compared one and all."""
        return self.cells.size if self.cells else 0

    @property
    def size(self) -> int:
        """Passages, removed ones too."""
        return len(self.ids)

    @property
    def live(self) -> int:
        """Passages that can be found."""
        return self.size - len(self.removed)

    def with_added(self, ids: Ids, vectors: Vectors) -> "Delta":
        """Also hold these, whose ids are higher than all here. One caller at a time."""
        parts, free = self._parts, self._parts[-1].free if self._parts else 0
        if free:
            parts = (*parts[:-1], parts[-1].with_added(vectors[:free]))
        if len(vectors) > free:
            room = np.empty((max(BLOCK_ROWS, len(vectors) - free), self.dimension), np.float32)
            parts = (*parts, _Part(_Block(room, 0), 0).with_added(vectors[free:]))
        return replace(self, ids=np.concatenate([self.ids, ids]), _parts=parts)

    def without(self, passage_ids: Ids) -> "Delta":
        """Never find these; ids that are not here are no error."""
        gone = rows_of(passage_ids, self.ids)
        return replace(self, removed=np.union1d(self.removed, gone))

    def after(self, passage_id: int) -> "Delta":
        """Only the live passages with a higher id, in memory of their own and in no cells."""
        first = int(np.searchsorted(self.ids, passage_id, side="right"))
        keep = np.setdiff1d(np.arange(first, self.size), self.removed)
        made, start = Delta.empty(self.dimension), 0
        for part in self._parts:
            rows = keep[(keep >= start) & (keep < start + part.size)]
            if len(rows):
                made = made.with_added(self.ids[rows], part.vectors[rows - start])
            start += part.size
        return made

    def vectors_from(self, row: int) -> Iterator[Vectors]:
        """Those of this row and the later ones, block by block."""
        start = 0
        for part in self._parts:
            if start + part.size > row:
                yield part.vectors[max(0, row - start) :]
            start += part.size

    def search(self, vectors: Vectors, k: int) -> tuple[Ids, Scores]:
        """Ids and cosines, (n, at most 2 k), best first.

        Beside cells, first k from them, in which NO_PASSAGE may be, then k of the others.
        """
        ids, scores = self._compared(vectors, k)
        if self.cells is None:
            return ids, scores
        rows, cosines = self.cells.search(vectors, k, self.removed)
        found = np.where(rows >= 0, self.ids[rows], NO_PASSAGE)
        return np.concatenate([found, ids], axis=1), np.concatenate([cosines, scores], axis=1)

    def _compared(self, vectors: Vectors, k: int) -> tuple[Ids, Scores]:
        """Of the rows that are in no cells: (n, min(k, how many of them are live))."""
        first = self.in_cells
        gone = self.removed[np.searchsorted(self.removed, first) :] - first
        size = self.size - first
        count = min(k, size - len(gone))
        if count == 0:
            shape = (len(vectors), 0)
            return np.empty(shape, np.int64), np.empty(shape, np.float32)
        scores, start = np.empty((len(vectors), size), np.float32), 0
        for block in self.vectors_from(first):
            np.matmul(vectors, block.T, out=scores[:, start : start + len(block)])
            start += len(block)
        scores[:, gone] = LOWEST
        rows = np.array([_best(row, count) for row in scores])
        return self.ids[first + rows], scores[np.arange(len(rows))[:, None], rows]


def _best(scores: Scores, count: int) -> Rows:
    """The rows of the `count` highest, the highest first, of equals the earlier."""
    near = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    near.sort()
    rows: Rows = near[np.argsort(-scores[near], kind="stable")]
    return rows
