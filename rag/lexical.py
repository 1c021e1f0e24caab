"""Search by words at a bounded cost: which of a question's words FTS5 is asked for. No meanings."""

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.filter import EVERYTHING, Filter
from rag.store import Store
from rag.words import Stemmer, alternatives, content_words, match_query

RANKED_ROWS = 2_000
"""FTS5 ranks every row that matches, at about 2 us each. The rarest words that together stand in at
most this many passages select the rows; so the cost does not grow with the corpus."""

SCORING_WORDS = 1
"""How many of the other words still count in the ranks of the rows so selected.

Measured on 100,000 passages with python -m benchmarks.retrieval --grow-to 100000, processor time
at p50 and p95: every word 61 and 108 ms, these 2.4 and 5.1. hit@5 by words alone falls from 0.63 to
0.60 there, and from 0.91 to 0.90 for 5,000."""

TELLING_ROWS = 3_000
"""A word in more passages than this selects nothing alone, only together with others."""

MOST_ROWS = 6_000
"""Where all words together would select more than this, they say next to nothing ("What are the
symptoms of ... syndrome?" about one that no passage has): only the meaning is searched for then.
Ranking 23,000 rows took 19 ms."""

COMMON_ROWS = 256
"""Counting a word's passages costs time in proportion to them: common words' counts are kept."""

KEPT_GROWTH = 1.02
"""Until the corpus has grown or shrunk by so much."""


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A content word of the question, the stems that stand for it, and how rare it is."""

    word: str
    stems: frozenset[str]
    passages: int
    """In how many passages it stands, each spelling counted for itself."""
    idf: float

    @property
    def share(self) -> float:
        """The part of all passages in which it stands, 0..1, as the idf tells it."""
        return min(1.0, 1 / math.expm1(self.idf)) if self.idf > 0 else 1.0


class LexicalSearch:
    """Reads one store; safe from several threads. Keeps how common the common words are."""

    def __init__(self, store: Store, stemmer: Stemmer) -> None:
        self._store = store
        self._stemmer = stemmer
        self._counts: dict[str, int] = {}
        self._counted_at = 0
        self._lock = threading.Lock()

    def weigh(self, question: str, total: int) -> tuple[WeightedTerm, ...]:
        """The content words with idf = ln(1 + `total` / (1 + passages with the word))."""
        found = content_words(question)
        stems = [frozenset(self._stemmer.stems(alternatives(word))) for word in found]
        counts = self._count({stem for group in stems for stem in group}, total)
        passages = [sum(counts.get(stem, 0) for stem in group) for group in stems]
        return tuple(
            WeightedTerm(word, group, count, math.log(1 + max(1, total) / (1 + count)))
            for word, group, count in zip(found, stems, passages, strict=True)
        )

    def search(
        self, terms: Sequence[WeightedTerm], limit: int, narrowing: Filter = EVERYTHING
    ) -> list[int]:
        """Passage ids, best first."""
        return self._store.lexical_search(match_expression(terms), limit, narrowing)

    def _count(self, stems: Iterable[str], total: int) -> dict[str, int]:
        with self._lock:
            if not total / KEPT_GROWTH <= self._counted_at <= total * KEPT_GROWTH:
                self._counts.clear()
                self._counted_at = total
            kept = {stem: self._counts[stem] for stem in stems if stem in self._counts}
        fresh = self._store.passages_with(stem for stem in stems if stem not in kept)
        with self._lock:
            self._counts.update(
                (stem, count) for stem, count in fresh.items() if count >= COMMON_ROWS
            )
        return {**kept, **fresh}


def match_expression(terms: Sequence[WeightedTerm]) -> str:
    """An FTS5 query that selects few rows, "" when no term stands in any passage."""
    by_rarity = sorted((term for term in terms if term.passages), key=lambda term: term.passages)
    if not by_rarity:
        return ""
    if by_rarity[0].passages > TELLING_ROWS:
        return _common_expression(by_rarity)
    selecting, rows = 1, by_rarity[0].passages
    while selecting < len(by_rarity) and rows + by_rarity[selecting].passages <= RANKED_ROWS:
        rows += by_rarity[selecting].passages
        selecting += 1
    rare = match_query(term.word for term in by_rarity[:selecting])
    ranking = match_query(term.word for term in by_rarity[: selecting + SCORING_WORDS])
    return rare if rare == ranking else f"({rare}) AND ({ranking})"


def _common_expression(by_rarity: Sequence[WeightedTerm]) -> str:
    """Where every word is common: the rarest two at once, or the only one in title or heading.

    More at once while two would still select too many, were words independent of each other; ""
    where all do.
    """
    first, *others = by_rarity
    if not others:
        return f"{{title heading}} : ({match_query([first.word])})"
    together, rows = [first, others[0]], first.passages * others[0].share
    for term in others[1:]:
        if rows <= RANKED_ROWS:
            break
        together.append(term)
        rows *= term.share
    if rows > MOST_ROWS:
        return ""
    return " AND ".join(f"({match_query([term.word])})" for term in together)
