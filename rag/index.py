"""Nearest vectors by FAISS, exact. An index is made from the store and never changes."""

from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.store import Store, VectorTable

NO_PASSAGE = -1


class Index(Protocol):
    """Immutable, so any number of threads search it without a lock."""

    kind: str
    """The index's name in status and benchmarks, such as "FLAT"."""
    generation: int
    """The store's generation that it was made from."""
    size: int

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
            return missing, np.full(missing.shape, np.finfo(np.float32).min, np.float32)
        scores, rows = self._faiss.search(np.ascontiguousarray(vectors, np.float32), k)
        return np.where(rows >= 0, self._ids[rows], NO_PASSAGE), scores
