"""An embedder without a model, and stores to try retrieval on. It knows no meanings."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.chunk import Passage
from rag.embedding import Vectors
from rag.store import DocumentRecord, Store
from rag.words import words


class WordEmbedder:
    """A bag of hashed words: texts that share words have a high inner product.

    Counts its calls, and raises `failure` at call number `fails_at` (from 1).
    """

    def __init__(
        self,
        dimension: int = 64,
        fingerprint: str = "words-1",
        fails_at: int = 0,
        failure: Exception | None = None,
    ) -> None:
        self.dimension = dimension
        self.fingerprint = fingerprint
        self.calls = 0
        self._fails_at = fails_at
        self._failure = failure or RuntimeError("the embedder broke")

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self.calls == self._fails_at:
            raise self._failure
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in words(text):
                vectors[row, zlib.crc32(word.encode()) % self.dimension] += 1
            vectors[row, 0] += 0.01
        normalised: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised


def open_store(folder: Path, embedder: WordEmbedder) -> Store:
    return Store(folder / "store.sqlite3", embedder.fingerprint, embedder.dimension)


def add_document(
    store: Store, embedder: WordEmbedder, name: str, sentences: Sequence[str], heading: str = ""
) -> None:
    """Store one document of one passage."""
    title = name.partition(".")[0].capitalize()
    passage = Passage(title, (heading,) if heading else (), 0, tuple(sentences))
    record = DocumentRecord(f"/documents/{name}", "/documents", name, title, f"hash of {name}")
    store.replace_document(record, [passage], embedder.embed([passage.embedding_text]))
