"""What an index is, and the exact one, made from the store as of one moment.

What serves questions is rag/index_live.py.
"""

from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.store import Store, VectorTable

NO_PASSAGE = -1
"""Fills the ids of what a search does not find."""
LOWEST = float(np.finfo(np.float32).min)
"""The score beside it."""


class Index(Protocol):
    """Any number of threads search it at once."""

    @property
    def kind(self) -> str:
        """The index's name in status and benchmarks, such as "FLAT"."""
        ...

    @property
    def generation(self) -> int:
        """The store's generation: a search that starts later sees at least what it had."""
        ...

    @property
    def size(self) -> int:
        """How many passages can be found."""
        ...

    def search(self, vectors: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Passage ids and cosines of shape (n, k), best first; NO_PASSAGE fills what is missing."""
        ...


class FlatIndex:
    """Compares with every vector: exact; 10,000 of 384 values take about a millisecond."""

    kind = "FLAT"

    def __init__(self, table: VectorTable) -> None:
        faiss.omp_set_num_threads(1)
        self.generation = table.generation
        self.size = len(table.ids)
        self._ids = table.ids
        self._faiss = faiss.IndexFlatIP(table.vectors.shape[1])
        self._faiss.add(table.vectors)

    @classmethod
    def from_store(cls, store: Store) -> "FlatIndex":
        """Read all vectors as of now."""
        return cls(store.vector_table())

    def search(self, vectors: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See Index.search. Scores of missing entries are the lowest float32."""
        if self.size == 0:
            missing = np.full((len(vectors), k), NO_PASSAGE, np.int64)
            return missing, np.full(missing.shape, LOWEST, np.float32)
        scores, rows = self._faiss.search(np.ascontiguousarray(vectors, np.float32), k)
        return np.where(rows >= 0, self._ids[rows], NO_PASSAGE), scores
