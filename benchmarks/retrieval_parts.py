"""Asks the two halves of retrieval by themselves: words by FTS5 and meaning by the index.

It composes no answers.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.corpora import LabelledQuestion, label_of_stored
from benchmarks.retrieval_figures import Ranked, hit_figures, percentiles
from rag.embedding import Embedder, Vector, Vectors
from rag.index import NO_PASSAGE
from rag.lexical import LexicalSearch
from rag.retrieve import CANDIDATES, Retriever
from rag.store import Store
from rag.words import Stemmer, content_words, match_query

Part = Callable[[str, Vector], Sequence[int]]
"""From a question and its vector to passage ids, best first."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`hits` are those of each part alone; `cpu_ms` are percentiles of its processor time."""

    hits: dict[str, dict[str, float]]
    cpu_ms: dict[str, dict[str, float]]


def measure_parts(
    store: Store, retriever: Retriever, embedder: Embedder, questions: list[LabelledQuestion]
) -> Parts:
    """FTS5 alone gets every word of the question; retrieval itself asks it for the rare ones."""
    bounded = LexicalSearch(store, Stemmer())
    index = retriever.index

    def every_word(question: str, _: Vector) -> Sequence[int]:
        return store.lexical_search(match_query(content_words(question)), CANDIDATES)

    def rare_words(question: str, _: Vector) -> Sequence[int]:
        return bounded.search(bounded.weigh(question, index.size), CANDIDATES)

    def dense(_: str, vector: Vector) -> Sequence[int]:
        ids, _scores = index.search(vector[None, :], CANDIDATES)
        return [int(number) for number in ids[0] if number != NO_PASSAGE]

    vectors = embedder.embed([question.text for question in questions])
    hits: dict[str, dict[str, float]] = {}
    cpu_ms: dict[str, dict[str, float]] = {}
    for name, part in (("fts5", every_word), ("fts5_rare_words", rare_words), ("dense", dense)):
        ranked, part_ms = _ask(store, part, questions, vectors)
        hits[name] = hit_figures(ranked)
        cpu_ms[name] = percentiles(part_ms)
    return Parts(hits, cpu_ms)


def _ask(
    store: Store, part: Part, questions: list[LabelledQuestion], vectors: Vectors
) -> tuple[list[Ranked], list[float]]:
    ranked: list[Ranked] = []
    times_ms: list[float] = []
    for question, vector in zip(questions, vectors, strict=True):
        started = time.thread_time()
        found = part(question.text, vector)
        times_ms.append((time.thread_time() - started) * 1000)
        stored = store.fetch(found)
        labels = [label_of_stored(stored[number]) for number in found]
        ranked.append(Ranked.of(question.passage, labels))
    return ranked, times_ms
