"""What questions are answered from: the searched index, kept fit, and its answerer.

It reads the store and writes nothing to it.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from rag.answer import Answerer
from rag.embedding import Embedder
from rag.index_keeper import IndexKeeper, state_lines
from rag.index_kinds import IndexLimits
from rag.index_live import LiveIndex
from rag.retrieve import Retriever
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from rag.store_vectors import store_identity
from rag.topics import topics
from rag.words import Stemmer
from server.engines.warm_up import warm_knowledge
from server.settings import Settings

COLLECTIONS_AT_ONCE = 2
"""Of one question that names several; a thread is started when it is first needed."""


TOPICS_OFFERED = 4


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What questions are answered from. The index follows the store; the counts do not."""

    retriever: Retriever
    answerer: Answerer
    documents: int
    passages: int
    generation: int
    """The store's generation that the counts are of."""
    keeper: IndexKeeper | None = None
    """None where the index is exact and stays so."""
    fingerprint: str = ""
    """Of the store itself and what is refused: two stores may have the same generation, and kept
    answers outlive the store that they were made from."""
    collections: Executor | None = None
    """Where the collections of a narrowed question are searched at once."""
    topics: tuple[str, ...] = ()
    """What a stranger may be told to ask about, of the same generation as the counts."""

    def close(self) -> None:
        """End a build that runs, and the threads of its own; nothing may search any more."""
        if self.keeper is not None:
            self.keeper.close()
        if self.collections is not None:
            self.collections.shutdown(wait=False, cancel_futures=True)

    @property
    def alerts(self) -> tuple[str, ...]:
        """What an operator should know of the index."""
        return self.keeper.alerts if self.keeper else ()

    def describe(self) -> dict[str, object]:
        """Return what `/health` and `session.created` tell of the index."""
        return {
            "kind": self.retriever.index.kind,
            "documents": self.documents,
            "passages": self.passages,
            "generation": self.generation,
        }

    def status(self) -> dict[str, object]:
        """Return what `/stats` tells: the above, the snapshot and a running build."""
        if self.keeper is None:
            return self.describe()
        progress = self.keeper.progress
        lines = state_lines(self.keeper.index.state)
        return {**self.describe(), **lines, "build": asdict(progress) if progress else None}

    def counted(self, store: Store) -> "Knowledge":
        """The same with the counts as of now."""
        generation, counts = store.generation(), store.counts()
        return replace(
            self,
            documents=counts.documents,
            passages=counts.passages,
            generation=generation,
            topics=topics(store, TOPICS_OFFERED),
        )


def limits_of(settings: Settings) -> IndexLimits:
    """The settings that an index must keep to."""
    return IndexLimits(
        settings.index_flat_max,
        settings.index_ivf_max,
        settings.index_recall,
        settings.index_memory_mb,
        settings.index_policy,
        settings.index_latency_ms,
    )


def open_knowledge(settings: Settings, store: Store, embedder: Embedder) -> Knowledge:
    """Open the published index, or compare all where there is none; look() has others built."""
    keeper = IndexKeeper(store, SnapshotFolder(settings.indexes_dir), limits_of(settings))
    return _knowledge(store, keeper.index, embedder, settings.refusal_confidence, keeper)


def load_knowledge(store: Store, embedder: Embedder, refuse_below: float) -> Knowledge:
    """Exact search over the store, without a folder of indexes."""
    return _knowledge(store, LiveIndex(store), embedder, refuse_below, None)


def _knowledge(
    store: Store,
    index: LiveIndex,
    embedder: Embedder,
    refuse_below: float,
    keeper: IndexKeeper | None,
) -> Knowledge:
    """Answer a question at once, to warm index and answerer up."""
    pool = ThreadPoolExecutor(COLLECTIONS_AT_ONCE, "collections")
    retriever = Retriever(store, index, Stemmer(), pool)
    answerer = Answerer(embedder, retriever, refuse_below)
    warm_knowledge(embedder, retriever, answerer)
    fingerprint = f"{store_identity(store)[:12]}-{refuse_below:g}"
    return Knowledge(retriever, answerer, 0, 0, 0, keeper, fingerprint, pool).counted(store)
