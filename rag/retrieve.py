"""Hybrid retrieval: FTS5 and dense ranks fused, with measures of how well the best passages fit.

It neither embeds the question nor chooses sentences.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rag.chunk import Passage
from rag.confidence import retrieval_confidence
from rag.embedding import Vector
from rag.index import NO_PASSAGE, Index
from rag.store import Store, StoredPassage
from rag.words import Stemmer, alternatives, content_words, match_query, words

FUSION_CONSTANT = 60
"""Cormack, Clarke and Buettcher (2009): reciprocal rank fusion with k = 60."""

CANDIDATES = 50
"""How deep each of the two rankings is read."""

POOL = 20
"""How many of the fused candidates are looked at closely and put in order."""

EVIDENCE_HITS = 3
"""The passages that the confidence looks at."""

COVERAGE_WEIGHT = 0.4
"""What a passage that has all the question's words gains over one that has none, in cosines.

Measured with python -m benchmarks.retrieval, share of questions with the right passage first: by
fused rank alone XQuAD 0.934 and the samples 0.894, by cosine + 0.4 coverage 0.960 and 0.936. From
0.3 to 0.4 the figures change by less than 0.005.
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage found."""

    passage_id: int
    document: str
    passage: Passage
    score: float
    """What hits are ordered by, 0..1: cosine and coverage weighed together."""
    fusion: float
    """The reciprocal rank fusion score that brought it among the candidates."""
    cosine: float
    """Between the question's vector and the passage's, from -1 to 1."""
    coverage: float
    """The share of the question's content words found in title, headings and text, by idf."""


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A content word of the question: the stems that stand for it and how rare it is."""

    stems: frozenset[str]
    idf: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for one question, best first, at one generation of the store."""

    question: str
    vector: Vector = field(repr=False, compare=False)
    """The question's embedding, shape (dimension,)."""
    terms: tuple[WeightedTerm, ...]
    hits: tuple[Hit, ...]
    generation: int
    passage_cosine: float
    passage_coverage: float
    """The highest cosine and coverage of the first EVIDENCE_HITS, whatever the limit."""
    confidence: float
    """How sure it is, 0..1, that these passages hold an answer."""


class Retriever:
    """Reads one store and one index; a new index means a new Retriever. Safe from many threads."""

    def __init__(self, store: Store, index: Index, stemmer: Stemmer) -> None:
        self._store = store
        self._index = index
        self._stemmer = stemmer

    @property
    def index(self) -> Index:
        """The index that is searched; its generation is that of the answers."""
        return self._index

    def search(self, question: str, vector: Vector, limit: int = 5) -> Retrieval:
        """Find the `limit` best passages. Four queries to the store, however many passages.

        Rank fusion picks the candidates; cosine and coverage put the best of them in order.
        """
        dense, _ = self._index.search(vector[None, :], CANDIDATES)
        lexical = self._store.lexical_search(match_query(content_words(question)), CANDIDATES)
        fused = fuse([lexical, [int(number) for number in dense[0] if number != NO_PASSAGE]])
        pool = sorted(fused, key=lambda number: (-fused[number], number))[:POOL]
        terms = self.weigh(question)
        passages, vectors = self._store.fetch(pool), self._store.vectors(pool)
        hits = [
            self._hit(passages[number], fused[number], vector, vectors[number], terms)
            for number in pool
            if number in passages and number in vectors
        ]
        best = sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))
        cosine = max((hit.cosine for hit in best[:EVIDENCE_HITS]), default=0.0)
        coverage = max((hit.coverage for hit in best[:EVIDENCE_HITS]), default=0.0)
        sureness = retrieval_confidence(cosine, coverage) if best else 0.0
        generation = self._index.generation
        return Retrieval(
            question, vector, terms, tuple(best[:limit]), generation, cosine, coverage, sureness
        )

    def search_readings(
        self, readings: Sequence[str], vectors: Sequence[Vector], limit: int = 5
    ) -> Retrieval:
        """Search each reading of one question; what is most sure is returned, of equals the first.

        `readings` must not be empty; `vectors` are theirs. A recogniser that wavers between two
        readings so leaves the choice to the documents. Measured with python -m benchmarks.spoken:
        word error rate 9.6% instead of 11.2% by the recogniser's own choice, and 10% of the
        answerable questions refused instead of 13%.
        """
        found = [
            self.search(reading, vector, limit)
            for reading, vector in zip(readings, vectors, strict=True)
        ]
        return max(found, key=lambda retrieval: retrieval.confidence)

    def weigh(self, question: str) -> tuple[WeightedTerm, ...]:
        """The content words with idf = ln(1 + passages / (1 + passages with the word))."""
        spellings = [alternatives(word) for word in content_words(question)]
        stems = [frozenset(self._stemmer.stems(spelling)) for spelling in spellings]
        counts = self._store.passages_with({stem for group in stems for stem in group})
        total = max(1, self._index.size)
        return tuple(
            WeightedTerm(group, math.log(1 + total / (1 + sum(counts.get(s, 0) for s in group))))
            for group in stems
        )

    def stems(self, text: str) -> set[str]:
        """The stems of all words of the text, as covered_share compares them."""
        return set(self._stemmer.stems(words(text)))

    def _hit(
        self,
        stored: StoredPassage,
        fusion: float,
        question: Vector,
        vector: Vector,
        terms: Sequence[WeightedTerm],
    ) -> Hit:
        coverage = covered_share(terms, self.stems(stored.passage.embedding_text))
        cosine = float(np.dot(question, vector))
        return Hit(
            stored.passage_id,
            stored.document,
            stored.passage,
            relevance(cosine, coverage),
            fusion,
            cosine,
            coverage,
        )


def relevance(cosine: float, coverage: float) -> float:
    """Cosine and coverage as one figure, 0..1."""
    return max(0.0, cosine + COVERAGE_WEIGHT * coverage) / (1 + COVERAGE_WEIGHT)


def fuse(rankings: Sequence[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion: each ranking gives 1 / (FUSION_CONSTANT + rank), rank from 1."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (FUSION_CONSTANT + rank)
    return scores


def covered_share(terms: Sequence[WeightedTerm], stems: set[str]) -> float:
    """The idf-weighted share, 0..1, of the terms of which some stem is among `stems`."""
    total = sum(term.idf for term in terms)
    found = sum(term.idf for term in terms if not stems.isdisjoint(term.stems))
    return found / total if total else 0.0
