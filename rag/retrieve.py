"""Hybrid retrieval: FTS5 and dense ranks fused, with measures of how well the best passages fit.

It neither embeds the question nor chooses sentences.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from rag.confidence import retrieval_confidence
from rag.duplicates import Found, without_duplicates
from rag.embedding import Vector
from rag.filter import EVERYTHING, Filter
from rag.follow_up import Earlier, joined_terms, joined_vector, preferring
from rag.hit import Hit, Retrieval
from rag.index import NO_PASSAGE, Index
from rag.lexical import LexicalSearch, WeightedTerm
from rag.phrasing import announces_more, leans_on_context
from rag.scope import Scopes
from rag.store import Store, StoredPassage
from rag.words import Beginnings, Stemmer, words

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


class Retriever:
    """Reads one store and one index; a new index means a new Retriever. Safe from many threads.

    With a `pool` several collections are searched at once, without one after the other.
    """

    def __init__(
        self, store: Store, index: Index, stemmer: Stemmer, pool: Executor | None = None
    ) -> None:
        self._store = store
        self._index = index
        self._stemmer = stemmer
        self._lexical = LexicalSearch(store, stemmer)
        self._scopes = Scopes(store)
        self._pool = pool

    @property
    def index(self) -> Index:
        """The index that is searched; its generation is that of the answers."""
        return self._index

    def search(
        self,
        question: str,
        vector: Vector,
        limit: int = 5,
        narrowing: Filter = EVERYTHING,
        earlier: Earlier | None = None,
    ) -> Retrieval:
        """Find the `limit` best passages. As many queries to the store, however many passages.

        Rank fusion picks the candidates, of each collection named by the filter for itself, so
        that a large one does not crowd out a small one; cosine and coverage put them in order.
        `earlier` is what the question leans on: `Retrieval.vector` and `.terms` are then of both.
        """
        # Before the search, which sees this generation or a later one: what is kept under it is
        # never older than it says.
        generation = self._index.generation
        terms = self.weigh(question)
        if earlier is not None:
            vector = joined_vector(vector, earlier)
            terms = joined_terms(question, terms, self.weigh(earlier.question))
        found = self._look_at(self._candidates(terms, vector, narrowing), vector, terms)
        best = preferring(without_duplicates(found), earlier)
        cosine = max((hit.cosine for hit in best[:EVIDENCE_HITS]), default=0.0)
        coverage = max((hit.coverage for hit in best[:EVIDENCE_HITS]), default=0.0)
        sureness = retrieval_confidence(cosine, coverage) if best else 0.0
        hits = self._with_context(best[:limit])
        return Retrieval(question, vector, terms, hits, generation, cosine, coverage, sureness)

    def search_readings(
        self,
        readings: Sequence[str],
        vectors: Sequence[Vector],
        limit: int = 5,
        narrowing: Filter = EVERYTHING,
        earlier: Earlier | None = None,
    ) -> Retrieval:
        """Search each reading of one question; what is most sure is returned, of equals the first.

        `readings` must not be empty; `vectors` are theirs. A recogniser that wavers between two
        readings so leaves the choice to the documents. Measured with python -m benchmarks.spoken:
        word error rate 9.6% instead of 11.2% by the recogniser's own choice, and 10% of the
        answerable questions refused instead of 13%.
        """
        found = [
            self.search(reading, vector, limit, narrowing, earlier)
            for reading, vector in zip(readings, vectors, strict=True)
        ]
        return max(found, key=lambda retrieval: retrieval.confidence)

    def look_again(
        self, retrieval: Retrieval, passage_id: int, narrowing: Filter = EVERYTHING
    ) -> Hit | None:
        """How one passage fits what was searched, found or not.

        None when it is gone, or the filter does not let it through.
        """
        known = next((hit for hit in retrieval.hits if hit.passage_id == passage_id), None)
        if known is not None:
            return known
        if not narrowing.is_open and passage_id not in self._scopes.of(narrowing).ids:
            return None
        found = self._look_at({passage_id: 0.0}, retrieval.vector, retrieval.terms)
        hits = self._with_context([one.hit for one in found])
        return hits[0] if hits else None

    def weigh(self, question: str) -> tuple[WeightedTerm, ...]:
        """The content words with how rare each is."""
        return self._lexical.weigh(question, self._index.size)

    def stems(self, text: str) -> set[str]:
        """The stems of all words of the text, as covered_share compares them."""
        return set(self._stemmer.stems(words(text)))

    def _candidates(
        self, terms: Sequence[WeightedTerm], vector: Vector, narrowing: Filter
    ) -> dict[int, float]:
        """The ids of the POOL best of each collection with their fusion scores."""
        parts = [replace(narrowing, collections=(one,)) for one in narrowing.collections]
        search = partial(self._fuse, terms, vector)
        run = self._pool.map if self._pool and len(parts) > 1 else map
        return {
            number: score
            for pool in run(search, parts or [narrowing])
            for number, score in pool.items()
        }

    def _fuse(
        self, terms: Sequence[WeightedTerm], vector: Vector, narrowing: Filter
    ) -> dict[int, float]:
        fused = fuse(
            [self._lexical.search(terms, CANDIDATES, narrowing), self._nearest(vector, narrowing)]
        )
        best = sorted(fused, key=lambda number: (-fused[number], number))[:POOL]
        return {number: fused[number] for number in best}

    def _nearest(self, vector: Vector, narrowing: Filter) -> list[int]:
        if not narrowing.is_open:
            return self._scopes.of(narrowing).nearest(self._index, vector, CANDIDATES)
        ids, _ = self._index.search(vector[None, :], CANDIDATES)
        return [int(number) for number in ids[0] if number != NO_PASSAGE]

    def _look_at(
        self, pool: dict[int, float], question: Vector, terms: Sequence[WeightedTerm]
    ) -> list[Found]:
        """The candidates that still exist, best first."""
        passages, vectors = self._store.fetch(pool), self._store.vectors(pool)
        beginnings = Beginnings(stem for term in terms for stem in term.stems)
        spelled = {
            number: beginnings.of(words(stored.passage.embedding_text))
            for number, stored in passages.items()
        }
        # What the stemmer does not know yet it learns in one go, not passage by passage.
        self._stemmer.stems(set[str]().union(*spelled.values()))
        covered = {
            number: covered_share(terms, set(self._stemmer.stems(found)))
            for number, found in spelled.items()
        }
        found = [
            Found(
                _hit(passages[number], fusion, float(question @ vectors[number]), covered[number]),
                vectors[number],
                self._named(passages[number], terms),
            )
            for number, fusion in pool.items()
            if number in passages and number in vectors
        ]
        return sorted(found, key=lambda one: (-one.hit.score, one.hit.passage_id))

    def _named(self, stored: StoredPassage, terms: Sequence[WeightedTerm]) -> frozenset[str]:
        over = self.stems(" ".join([stored.passage.title, *stored.passage.headings]))
        return frozenset(term.word for term in terms if not over.isdisjoint(term.stems))

    def _with_context(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """The first hits with the passage before or after where they cannot do without it."""
        read = hits[:EVIDENCE_HITS]
        leaning = [h.passage_id for h in read if leans_on_context(h.passage.sentences[0])]
        open_ended = [h.passage_id for h in read if announces_more(h.passage.sentences[-1])]
        before = self._store.neighbours(leaning, -1) if leaning else {}
        after = self._store.neighbours(open_ended, 1) if open_ended else {}
        wanted = [*before.values(), *after.values()]
        stored = self._store.fetch(wanted) if wanted else {}
        return tuple(
            replace(
                hit,
                before=stored.get(before.get(hit.passage_id, NO_PASSAGE)),
                after=stored.get(after.get(hit.passage_id, NO_PASSAGE)),
            )
            for hit in hits
        )


def _hit(stored: StoredPassage, fusion: float, cosine: float, coverage: float) -> Hit:
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
