"""Builds an index from the store, proves its recall and publishes it. It decides nothing of when.

What was published before stays whatever goes wrong here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from rag.embedding import Vectors
from rag.index_kinds import IndexLimits, Kind, Plan, Storage, plan_for, plan_with
from rag.index_tune import Proof, Tuned, proofs_for, tune
from rag.snapshot import IDS_NAME, INDEX_NAME, Manifest, hash_of
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from rag.store_vectors import VectorFile, copy_vectors, store_identity

TRAINING_VECTORS_PER_CELL = 40
LEAST_TRAINING_VECTORS = 20_000
TRAINING_ROUNDS = 8
EF_CONSTRUCTION = (80, 200)
"""Tried in turn until a graph reaches the recall at some efSearch."""
ADD_BLOCK = 5_000

OnProgress = Callable[[str, int, int], None]
"""Called with (what is being done, done, in all), often."""


class RecallNotReachedError(Exception):
    """No settings reach the target; the text gives the best that was measured."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A built and tuned index that is not published yet."""

    plan: Plan
    index: Any
    ef_construction: int
    tuned: Tuned


@dataclass(frozen=True, slots=True)
class Published:
    """A version and what it is."""

    version: str
    manifest: Manifest


def build(
    store: Store,
    folder: SnapshotFolder,
    kind: Kind,
    limits: IndexLimits,
    on_progress: OnProgress = lambda step, done, total: None,
    past_queries: Vectors | None = None,
) -> Published:
    """Build, prove and publish an index of `kind`, or under the policy `measured` of the better.

    `past_queries`, (n, dimension), are questions that were asked, to prove the recall with.

    Raises RecallNotReachedError, BuildRunningError, StoreError, or OSError by the disk; the folder
    is then as it was.
    """
    started_s = time.process_time()
    identity = store_identity(store)
    with folder.building() as work:
        vectors_path = work / "vectors.f32"
        copy = copy_vectors(
            store, vectors_path, lambda done, total: on_progress("reading", done, total)
        )
        if past_queries is None:
            past_queries = np.empty((0, store.dimension), np.float32)
        builder = _Builder(copy.vectors, limits, on_progress, past_queries)
        best = builder.best(kind)
        if best.tuned.recall < limits.recall:
            raise RecallNotReachedError(
                f"{best.plan.factory} reaches a recall@10 of {best.tuned.recall:.3f} at most, "
                f"{limits.recall:g} is asked for"
            )
        on_progress("publishing", 0, 1)
        _write(work, best.index, copy)
        manifest = _manifest(best, copy, store, identity, work, builder.queries, kind)
        vectors_path.unlink()
        manifest = replace(manifest, build_cpu_s=round(time.process_time() - started_s, 2))
        return Published(folder.publish(work, manifest), manifest)


def _write(work: Path, index: Any, copy: VectorFile) -> None:
    faiss.write_index(index, str(work / INDEX_NAME))
    np.save(work / IDS_NAME, copy.ids)


def _manifest(
    best: Candidate,
    copy: VectorFile,
    store: Store,
    identity: str,
    work: Path,
    queries: int,
    asked: Kind,
) -> Manifest:
    return Manifest(
        kind=best.plan.kind,
        asked=asked,
        storage=best.plan.storage,
        factory=best.plan.factory,
        search=best.tuned.search,
        ef_construction=best.ef_construction,
        size=len(copy.ids),
        dimension=store.dimension,
        generation=copy.generation,
        last_passage_id=int(copy.ids[-1]),
        store_identity=identity,
        fingerprint=store.fingerprint,
        recall_at_10=round(best.tuned.recall, 4),
        queries=queries,
        p95_ms=round(best.tuned.p95_ms, 3),
        build_cpu_s=0.0,
        sha256=tuple(sorted((name, hash_of(work / name)) for name in (INDEX_NAME, IDS_NAME))),
    )


@dataclass(slots=True)
class _Builder:
    vectors: Vectors
    limits: IndexLimits
    on_progress: OnProgress
    past_queries: Vectors
    _proofs: list[Proof] = field(default_factory=list)
    _cells: Any = None
    """The trained cells of an IVF, whatever its storage."""

    @property
    def queries(self) -> int:
        """How many the recall was proven with."""
        return sum(len(proof.queries) for proof in self._proofs)

    def best(self, kind: Kind) -> Candidate:
        """Of `kind`, or of IVF where a graph misses the recall; under `measured` the faster."""
        if not self.limits.is_measured:
            made = self.of_kind(kind)
            is_lost = kind is Kind.HNSW and not self._suffices(made)
            return self._better(self.of_kind(Kind.IVF), made) if is_lost else made
        first = self.of_kind(Kind.IVF)
        return first if self._is_fast(first) else self._better(first, self.of_kind(Kind.HNSW))

    def of_kind(self, kind: Kind) -> Candidate:
        """The index of one kind, in the most exact storage that memory and latency allow.

        An IVF that is too slow is filled again in codes that are compared faster.
        """
        plan = plan_for(kind, len(self.vectors), self.vectors.shape[1], self.limits)
        made = self._made(plan)
        is_fastest = plan.storage is Storage.PQ
        if plan.kind is not Kind.IVF or self._is_fast(made) or is_fastest:
            return made
        faster = plan_with(Kind.IVF, Storage.PQ, len(self.vectors), self.vectors.shape[1])
        return self._better(made, self._made(faster))

    def _made(self, plan: Plan) -> Candidate:
        if plan.kind is Kind.IVF:
            return self._tuned(plan, self._filled(plan, self._trained(plan)), 0)
        for ef_construction in EF_CONSTRUCTION:
            index = self._trained(plan)
            index.hnsw.efConstruction = ef_construction
            made = self._tuned(plan, self._filled(plan, index), ef_construction)
            if self._suffices(made):
                break
        return made

    def _suffices(self, candidate: Candidate) -> bool:
        return candidate.tuned.recall >= self.limits.recall

    def _is_fast(self, candidate: Candidate) -> bool:
        return self._suffices(candidate) and candidate.tuned.p95_ms <= self.limits.latency_ms

    def _better(self, first: Candidate, second: Candidate) -> Candidate:
        """Right before fast."""
        return min(first, second, key=lambda one: (not self._suffices(one), one.tuned.p95_ms))

    def _trained(self, plan: Plan) -> Any:
        index: Any = faiss.index_factory(
            self.vectors.shape[1], plan.factory, faiss.METRIC_INNER_PRODUCT
        )
        wanted = max(LEAST_TRAINING_VECTORS, TRAINING_VECTORS_PER_CELL * plan.cells)
        if plan.kind is Kind.IVF:
            index.cp.niter = TRAINING_ROUNDS
            index.cp.min_points_per_centroid = 1
            index.cp.max_points_per_centroid = TRAINING_VECTORS_PER_CELL
            if self._cells is not None:
                index.quantizer.add(self._cells)
        self.on_progress(f"training {plan.factory}", 0, 1)
        rows = np.random.default_rng(0).permutation(len(self.vectors))[:wanted]
        index.train(np.ascontiguousarray(self.vectors[np.sort(rows)]))
        if plan.kind is Kind.IVF:
            self._cells = index.quantizer.reconstruct_n(0, plan.cells)
        return index

    def _filled(self, plan: Plan, index: Any) -> Any:
        total = len(self.vectors)
        for start in range(0, total, ADD_BLOCK):
            self.on_progress(f"adding to {plan.factory}", start, total)
            index.add(np.ascontiguousarray(self.vectors[start : start + ADD_BLOCK]))
        return index

    def _tuned(self, plan: Plan, index: Any, ef_construction: int) -> Candidate:
        self.on_progress(f"proving {plan.factory}", 0, 1)
        if not self._proofs:
            self._proofs = proofs_for(self.vectors, self.past_queries, self.limits.recall)
        tuned = tune(index, plan, self.vectors, self._proofs, self.limits.recall)
        return Candidate(plan, index, ef_construction, tuned)
