"""The index that is searched: a snapshot, what was added since, and without what was removed since.

It follows the store by itself and is given other snapshots; it builds none.
"""

import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vector, Vectors
from rag.index import LOWEST, NO_PASSAGE
from rag.index_cells import Cells
from rag.index_delta import Delta, Ids, Scores
from rag.index_kinds import Kind
from rag.snapshot import Snapshot, dead_bits, rows_of
from rag.store import Changes, Store

CELLED_AT = 2_000
"""Comparing so many takes 0.15 ms, about what looking into their cells takes."""

KEPT_QUERIES = 512
"""Past questions, in memory alone: 768 KB of vectors, no words."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """All that one search reads, of one generation."""

    generation: int
    last_passage_id: int
    """The highest id that was ever read, removed or not."""
    snapshot: Snapshot | None
    dead_count: int
    """Passages of the snapshot that were removed."""
    dead: NDArray[np.uint8] | None
    """Their rows as a bitmap; None where nothing was removed."""
    delta: Delta

    @property
    def snapshot_size(self) -> int:
        """Passages of the snapshot, removed ones too."""
        return len(self.snapshot.ids) if self.snapshot else 0

    @property
    def size(self) -> int:
        """Passages that can be found."""
        return self.snapshot_size - self.dead_count + self.delta.live

    @property
    def kind(self) -> Kind:
        """The snapshot's; without one all is compared."""
        return self.snapshot.manifest.kind if self.snapshot else Kind.FLAT

    @property
    def first_in_delta(self) -> int:
        """The id after which the delta lacks nothing."""
        return self.snapshot.manifest.last_passage_id if self.snapshot else 0

    def keeping(self, earlier: "IndexState") -> "IndexState":
        """Take from an earlier delta what the snapshot lacks, instead of reading it again."""
        delta = earlier.delta.after(self.last_passage_id)
        last = max(self.last_passage_id, earlier.last_passage_id)
        return replace(self, delta=delta, last_passage_id=last)

    def changed(self, changes: Changes) -> "IndexState":
        """The state after what happened to the store."""
        added, delta, dead_count, dead = changes.added, self.delta, self.dead_count, self.dead
        if len(added.ids):
            delta = delta.with_added(added.ids, added.vectors)
        if len(changes.removed):
            delta = delta.without(changes.removed)
            if self.snapshot is not None:
                # No passage is removed twice, so that the rows are others than the dead ones.
                gone = rows_of(changes.removed, self.snapshot.ids)
                dead_count += len(gone)
                dead = dead_bits(gone, self.snapshot_size, dead) if len(gone) else dead
        last = int(added.ids[-1]) if len(added.ids) else self.last_passage_id
        return replace(
            self,
            generation=added.generation,
            last_passage_id=last,
            delta=delta,
            dead_count=dead_count,
            dead=dead,
        )


class LiveIndex:
    """See rag.index.Index. What was added is found, and what was removed is not, by the next query.

    Each search compares one number with the store's (6 microseconds) and reads what is new where
    they differ. A search works on one state and holds no lock.
    """

    def __init__(self, store: Store, snapshot: Snapshot | None = None) -> None:
        """Over everything in the store now; without a snapshot every vector is read."""
        self._store = store
        self._asked: deque[Vector] = deque(maxlen=KEPT_QUERIES)
        self._guard = threading.Lock()
        self.state = self._follow(self._state_of(snapshot, Delta.empty(store.dimension)))

    @property
    def kind(self) -> str:
        """The kind of the snapshot that is searched."""
        return str(self.state.kind)

    @property
    def generation(self) -> int:
        """The store's generation now: a search that starts later sees at least this one."""
        return self._store.generation()

    @property
    def size(self) -> int:
        """Passages that can be found, as of the last search."""
        return self.state.size

    def asked(self) -> Vectors:
        """The vectors of the last KEPT_QUERIES questions, for proving another index with them."""
        return np.array(list(self._asked), np.float32).reshape(-1, self._store.dimension)

    def refresh(self) -> IndexState:
        """Read what became of the store since the last time, if anything did."""
        state = self.state
        if self._store.generation() == state.generation:
            return state
        with self._guard:
            # Another thread may have read it while this one waited.
            if self._store.generation() != self.state.generation:
                self.state = self._follow(self.state)
            return self.state

    def adopt(self, snapshot: Snapshot | None) -> None:
        """Search this snapshot from now on, or with None compare all. Searches go on meanwhile.

        What takes long is done before the lock is held: a search that finds the store grown waits
        for no copy of the delta. A state may be a little older than the one that it replaces; the
        next search compares generations as ever.
        """
        start, present = self._state_of(snapshot, Delta.empty(self._store.dimension)), self.state
        if start.last_passage_id >= present.first_in_delta:
            start = start.keeping(present)
        start = self._follow(start)
        with self._guard:
            self.state = start

    def put_in_cells(self) -> None:
        """Put what waits beside an IVF into cells, once it is CELLED_AT passages more.

        It takes tens of milliseconds while others search: for the thread that looks after it.
        """
        state = self.state
        waiting = state.delta.size - state.delta.in_cells
        if state.snapshot is None or waiting < CELLED_AT:
            return
        cells = state.delta.cells or Cells.beside(state.snapshot)
        if cells is None:
            return
        added = np.concatenate(list(state.delta.vectors_from(cells.size)))
        cells = cells.with_added(added)
        with self._guard:
            # Rows keep their numbers in a delta that grows; another snapshot has another delta.
            if self.state.snapshot is state.snapshot:
                self.state = replace(self.state, delta=replace(self.state.delta, cells=cells))

    def search(self, vectors: Vectors, k: int) -> tuple[Ids, Scores]:
        """See Index.search; the best candidates are compared again by their stored vectors."""
        state = self.refresh()
        vectors = np.ascontiguousarray(vectors, np.float32)
        self._asked.extend(vectors.copy())
        ids, scores = state.delta.search(vectors, k)
        if state.snapshot is not None:
            found, found_scores = self._search_snapshot(state.snapshot, state.dead, vectors, k)
            ids = np.concatenate([found, ids], axis=1)
            scores = np.concatenate([found_scores, scores], axis=1)
        return _best(ids, scores, k)

    def _search_snapshot(
        self, snapshot: Snapshot, dead: NDArray[np.uint8] | None, vectors: Vectors, k: int
    ) -> tuple[Ids, Scores]:
        depth = max(k, snapshot.manifest.search.rerank)
        rows, scores = snapshot.candidates(vectors, depth, dead)
        ids = np.where(rows >= 0, snapshot.ids[rows], NO_PASSAGE)
        if not snapshot.manifest.search.rerank:
            return ids, scores
        stored = self._store.vectors(np.unique(ids[ids >= 0]).tolist())
        for number, vector in enumerate(vectors):
            for place, passage_id in enumerate(ids[number].tolist()):
                found = stored.get(passage_id)
                scores[number, place] = LOWEST if found is None else np.dot(vector, found)
        ids[scores <= LOWEST] = NO_PASSAGE
        return ids, scores

    def _state_of(self, snapshot: Snapshot | None, delta: Delta) -> IndexState:
        generation = snapshot.manifest.generation if snapshot else 0
        last = snapshot.manifest.last_passage_id if snapshot else 0
        return IndexState(generation, last, snapshot, 0, None, delta)

    def _follow(self, state: IndexState) -> IndexState:
        return state.changed(self._store.changes_since(state.generation, state.last_passage_id))


def _best(ids: Ids, scores: Scores, k: int) -> tuple[Ids, Scores]:
    """The k best of each row, best first, filled up with NO_PASSAGE."""
    order = np.argsort(np.where(ids == NO_PASSAGE, np.inf, -scores), axis=1, kind="stable")[:, :k]
    row = np.arange(len(ids))[:, None]
    best = np.full((len(ids), k), NO_PASSAGE, np.int64)
    best_scores = np.full((len(ids), k), LOWEST, np.float32)
    best[:, : order.shape[1]] = ids[row, order]
    best_scores[:, : order.shape[1]] = scores[row, order]
    best_scores[best == NO_PASSAGE] = LOWEST
    return best, best_scores
