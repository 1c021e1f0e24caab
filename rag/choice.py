"""Which sentences of a passage are spoken together. It neither finds nor phrases them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.hit import Hit
from rag.phrasing import announces_more, leans_on_context
from rag.store import StoredPassage
from rag.words import content_words

MAXIMUM_SENTENCES = 3
MAXIMUM_WORDS = 55
"""Of the quoted sentences; with the source named an answer stays at about 60 words, or 25 s."""

CONTEXT_WORDS = 40
"""A longer sentence is no introduction: the source's title and heading say what is meant."""

SENTENCE_COVERAGE_WEIGHT = 0.5
PASSAGE_WEIGHT = 1.0
KIND_WEIGHT = 0.1
COMPANION_SHARE = 0.85
"""A sentence scores cosine + 0.5 coverage + its passage's score, and 0.1 more when it has a figure
or a name where one is asked for; it joins the best one from 0.85 of its score on. Measured with
python -m benchmarks.retrieval: at 0.80 XQuAD's answers hold the reference 0.3% more often and are
2 words longer; the best sentence alone holds it 6% less often, for the sample questions 12%."""

REPEATED_SHARE = 0.75
"""A companion of whose content words so many were said is a repetition."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One sentence of a hit, judged by its words alone."""

    hit: Hit
    positions: tuple[int, ...]
    """Its own, then that of the question in the text that it follows, if any: the higher cosine of
    the two counts."""
    coverage: float
    has_what_is_asked: bool

    @property
    def position(self) -> int:
        """Its own."""
        return self.positions[0]

    @property
    def promise(self) -> float:
        """Its score but for the cosine."""
        words = SENTENCE_COVERAGE_WEIGHT * self.coverage + KIND_WEIGHT * self.has_what_is_asked
        return words + PASSAGE_WEIGHT * self.hit.score


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence of a hit with how well it fits the question."""

    hit: Hit
    position: int
    cosine: float
    """With the question; a sentence that follows a question in the text has that one's, if more."""
    coverage: float
    """Of the question's words by the sentence with its title and headings, 0..1."""
    has_what_is_asked: bool = False
    """A figure where the question asks for one, a name where it asks who."""

    @property
    def sentence(self) -> str:
        """As it stands in the passage."""
        return self.hit.passage.sentences[self.position]

    @property
    def own_fit(self) -> float:
        """How well the sentence fits the question, whatever passage it stands in."""
        return self.cosine + SENTENCE_COVERAGE_WEIGHT * self.coverage

    @property
    def fit(self) -> float:
        """How well it and its passage fit the question."""
        return self.own_fit + PASSAGE_WEIGHT * self.hit.score

    @property
    def score(self) -> float:
        """What candidates are chosen by."""
        return self.fit + KIND_WEIGHT * self.has_what_is_asked


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence to speak and the passage that it stands in."""

    stored: StoredPassage
    position: int

    @property
    def sentence(self) -> str:
        """As it stands in the passage."""
        return self.stored.passage.sentences[self.position]


def most_promising(drafts: Sequence[Draft], limit: int) -> list[Draft]:
    """The `limit` best by their words, in the order given."""
    order = sorted(range(len(drafts)), key=lambda place: -drafts[place].promise)
    return [drafts[place] for place in sorted(order[:limit])]


def choose(best: Candidate, candidates: Sequence[Candidate], is_brief: bool) -> list[Quote]:
    """The best sentence, what it leans on or announces, and its companions in the same passage.

    `is_brief` leaves the companions out. A best sentence that is longer than MAXIMUM_WORDS is
    spoken whole, by itself.
    """
    chosen = [_quote(best.hit, best.position)]
    for quote in _needed(best):
        _take(quote, chosen)
    if not is_brief:
        for other in _companions(best, candidates):
            quote = _quote(best.hit, other.position)
            if not _is_repetition(quote, chosen):
                _take(quote, chosen)
    ordered = sorted(chosen, key=lambda quote: (quote.stored.passage.position, quote.position))
    return _best_first(chosen[0], ordered)


def _take(quote: Quote, chosen: list[Quote]) -> None:
    length = sum(_length(each) for each in [*chosen, quote])
    if quote not in chosen and len(chosen) < MAXIMUM_SENTENCES and length <= MAXIMUM_WORDS:
        chosen.append(quote)


def _needed(best: Candidate) -> list[Quote]:
    """The short sentence before it, when it points back; the one after, when it points there."""
    around = []
    if leans_on_context(best.sentence):
        around.append(_before(best))
    if announces_more(best.sentence):
        around.append(_after(best))
    return [quote for quote in around if quote is not None and _length(quote) <= CONTEXT_WORDS]


def _before(best: Candidate) -> Quote | None:
    if best.position > 0:
        return _quote(best.hit, best.position - 1)
    other = best.hit.before
    return Quote(other, len(other.passage.sentences) - 1) if other else None


def _after(best: Candidate) -> Quote | None:
    if best.position + 1 < len(best.hit.passage.sentences):
        return _quote(best.hit, best.position + 1)
    return Quote(best.hit.after, 0) if best.hit.after else None


def _companions(best: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    same = [other for other in candidates if other.hit.passage_id == best.hit.passage_id]
    others = sorted(same, key=lambda other: -other.score)
    return [other for other in others if other.score >= COMPANION_SHARE * best.score]


def _is_repetition(quote: Quote, chosen: Sequence[Quote]) -> bool:
    said = {word for each in chosen for word in content_words(each.sentence)}
    own = content_words(quote.sentence)
    return sum(word in said for word in own) >= REPEATED_SHARE * len(own)


def _best_first(best: Quote, ordered: list[Quote]) -> list[Quote]:
    """Lead with what answers where it is the shorter start and nothing leans on the order."""
    leans = any(leans_on_context(quote.sentence) for quote in ordered)
    if leans or announces_more(best.sentence) or _length(best) >= _length(ordered[0]):
        return ordered
    return [best, *(quote for quote in ordered if quote != best)]


def _quote(hit: Hit, position: int) -> Quote:
    return Quote(StoredPassage(hit.passage_id, hit.document, hit.passage), position)


def _length(quote: Quote) -> int:
    return len(quote.sentence.split())
