"""What questions are answered from: one index and its answerer, at one generation of the store.

It reads the store and writes nothing.
"""

from dataclasses import dataclass

from rag.answer import Answerer
from rag.embedding import Embedder
from rag.index import FlatIndex
from rag.retrieve import Retriever
from rag.store import Store
from rag.words import Stemmer
from server.warm_up import warm_knowledge


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What questions are answered from, at one generation of the store."""

    retriever: Retriever
    answerer: Answerer
    documents: int
    passages: int

    @property
    def generation(self) -> int:
        """The store's generation that the index was made from."""
        return self.retriever.index.generation

    def describe(self) -> dict[str, object]:
        """Return what `/health` and `session.created` tell of the index."""
        return {
            "kind": self.retriever.index.kind,
            "documents": self.documents,
            "passages": self.passages,
            "generation": self.generation,
        }


def load_knowledge(store: Store, embedder: Embedder, refuse_below: float) -> Knowledge:
    """Build the index from the store as it is now, and answer a question to warm both up."""
    retriever = Retriever(store, FlatIndex.from_store(store), Stemmer())
    answerer = Answerer(embedder, retriever, refuse_below)
    counts = store.counts()
    warm_knowledge(embedder, retriever, answerer)
    return Knowledge(retriever, answerer, counts.documents, counts.passages)
