"""Finds the cheapest search settings with which an index is right often enough, and proves it.

The judge is exact search over the same vectors, with queries that the index does not hold.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.index_kinds import Kind, Plan, Storage
from rag.snapshot import SearchSettings, search_parameters

QUERIES = 256
DEPTH = 10
"""recall@10: how many of the ten nearest are among the ten found."""

EASIER = 5.0
"""Made queries miss less often than real questions, which lean in ways of their own: at one setting
0.990 instead of 0.970 or 0.959 over 10,000 passages, 0.977 instead of 0.954 over 100,000. Without
past questions only a fifth of the misses allowed is aimed at."""

SAFETY = 0.01
"""Aimed at above the target with past questions: other questions differ by about this much."""

LEAST_PAST_QUERIES = 200

QUESTION_COSINE = 0.6
"""Of a real question and its nearest passage, about: a query made from a passage is moved so far
away from it, or it would find itself and every setting would look good."""

EXACT_BLOCK = 20_000
MOST_EF_SEARCH = 1024
RERANKED = {
    Storage.FP32: (0,),
    Storage.FP16: (0,),
    Storage.SQ8: (20,),
    Storage.PQ: (50, 100, 200, 400),
}
"""How many candidates are compared again, tried in turn. Without it, codes of 8 bits that are all
looked at have a recall of 0.994."""
TIMED_QUERIES = 100


@dataclass(frozen=True, slots=True)
class Proof:
    """Held-out queries with their true neighbours, and the recall to aim at with them."""

    queries: Vectors
    truth: NDArray[np.int64]
    """(queries, DEPTH): rows of the vectors, the nearest first."""
    aim: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best settings found and what they gave."""

    search: SearchSettings
    recall: float
    """Of the queries that it is lowest with."""
    p95_ms: float
    """Of single searches, as CPU time: it is the same on a busy machine."""


def held_out_queries(vectors: Vectors, count: int = QUERIES, seed: int = 1) -> Vectors:
    """Make queries that lie to the stored vectors as questions do: near, and none among them.

    Each is a stored vector moved along the difference of two others, so that it stays among the
    directions that the embedder uses, until its cosine to where it came from is QUESTION_COSINE.
    """
    rng = np.random.default_rng(seed)
    start, one, other = (
        np.array(vectors[np.sort(rng.integers(0, len(vectors), count))]) for _ in range(3)
    )
    rng.shuffle(one)
    step = one - other
    step -= np.sum(step * start, axis=1, keepdims=True) * start
    length = np.linalg.norm(step, axis=1, keepdims=True)
    away = np.divide(step, length, out=np.zeros_like(step), where=length > 0)
    moved = QUESTION_COSINE * start + np.sqrt(1 - QUESTION_COSINE**2) * away
    unit: Vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return unit


def proofs_for(vectors: Vectors, past: Vectors, target: float) -> list[Proof]:
    """Made queries, and past ones where there are enough to trust them."""
    made = held_out_queries(vectors)
    if len(past) < LEAST_PAST_QUERIES:
        return [Proof(made, exact_rows(vectors, made), 1 - (1 - target) / EASIER)]
    aim = min(1.0, target + SAFETY)
    return [Proof(queries, exact_rows(vectors, queries), aim) for queries in (past, made)]


def exact_rows(vectors: Vectors, queries: Vectors) -> NDArray[np.int64]:
    """The rows of the DEPTH nearest of each query, by comparing all, a block at a time."""
    best = np.full((len(queries), DEPTH), -np.inf, np.float32)
    rows = np.full((len(queries), DEPTH), -1, np.int64)
    for start, block in _blocks(vectors):
        depth = min(DEPTH, len(block))
        scores, near = faiss.knn(queries, block, depth, metric=faiss.METRIC_INNER_PRODUCT)
        scores, near = np.hstack([best, scores]), np.hstack([rows, near + start])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
        best, rows = np.take_along_axis(scores, order, 1), np.take_along_axis(near, order, 1)
    return rows


def _blocks(vectors: Vectors) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(vectors), EXACT_BLOCK):
        yield start, np.ascontiguousarray(vectors[start : start + EXACT_BLOCK])


def recall_at_10(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The share of the true neighbours that were found; -1 in `truth` stands for none."""
    there = truth >= 0
    hits = (truth[:, :, None] == found[:, None, :]).any(axis=2) & there
    return float(hits.sum() / max(1, there.sum()))


def tune(index: Any, plan: Plan, vectors: Vectors, proofs: Sequence[Proof], target: float) -> Tuned:
    """The cheapest settings that reach every aim, else `target`, or the best that there are.

    Settings are doubled until they suffice, then halved towards the last that did not.
    """
    trial = _Trial(index, plan, vectors, proofs)
    most = plan.cells if plan.kind is Kind.IVF else MOST_EF_SEARCH
    first = 1 if plan.kind is Kind.IVF else 16
    for lowered in (0.0, max(proof.aim for proof in proofs) - target):
        for rerank in RERANKED[plan.storage]:
            chosen = trial.least(rerank, lowered, first, most)
            if trial.margin(chosen) + lowered >= 0:
                return trial.tuned(chosen)
    return trial.tuned(chosen)


@dataclass(slots=True)
class _Trial:
    index: Any
    plan: Plan
    vectors: Vectors
    proofs: Sequence[Proof]
    known: dict[SearchSettings, list[float]] = field(default_factory=dict)

    def recalls(self, search: SearchSettings) -> list[float]:
        if search not in self.known:
            self.known[search] = [
                recall_at_10(
                    search_rows(self.index, self.plan.kind, search, self.vectors, proof.queries),
                    proof.truth,
                )
                for proof in self.proofs
            ]
        return self.known[search]

    def margin(self, search: SearchSettings) -> float:
        """By how much the settings pass the aim that they pass least."""
        pairs = zip(self.recalls(search), self.proofs, strict=True)
        return min(recall - proof.aim for recall, proof in pairs)

    def settings(self, level: int, rerank: int) -> SearchSettings:
        if self.plan.kind is Kind.IVF:
            return SearchSettings(nprobe=level, rerank=rerank)
        return SearchSettings(ef_search=level, rerank=rerank)

    def least(self, rerank: int, lowered: float, first: int, most: int) -> SearchSettings:
        """The least level up to `most` that reaches the lowered aims, to an eighth of it."""

        def suffices(level: int) -> bool:
            return self.margin(self.settings(level, rerank)) + lowered >= 0

        low, high = 0, min(first, most)
        while not suffices(high) and high < most:
            low, high = high, min(2 * high, most)
        while suffices(high) and high - low > max(1, high // 8):
            middle = (low + high) // 2
            low, high = (low, middle) if suffices(middle) else (middle, high)
        return self.settings(high, rerank)

    def tuned(self, search: SearchSettings) -> Tuned:
        times_ms = []
        for query in self.proofs[0].queries[:TIMED_QUERIES]:
            started = time.thread_time()
            search_rows(self.index, self.plan.kind, search, self.vectors, query[None, :])
            times_ms.append((time.thread_time() - started) * 1000)
        return Tuned(search, min(self.recalls(search)), float(np.percentile(times_ms, 95)))


def search_rows(
    index: Any, kind: Kind, search: SearchSettings, vectors: Vectors, queries: Vectors
) -> NDArray[np.int64]:
    """The DEPTH best rows for each query, compared again with `vectors` where the settings say."""
    depth = max(DEPTH, search.rerank)
    parameters = search_parameters(kind, search, depth)
    rows: NDArray[np.int64] = index.search(queries, depth, params=parameters)[1]
    if not search.rerank:
        return rows
    best = np.full((len(queries), DEPTH), -1, np.int64)
    for number, query in enumerate(queries):
        found = rows[number][rows[number] >= 0]
        order = np.argsort(-(vectors[found] @ query), kind="stable")[:DEPTH]
        best[number, : len(order)] = found[order]
    return best
