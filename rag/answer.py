"""The answer in the documents' own words: one to three sentences that read well aloud.

It retrieves nothing and speaks nothing; without good evidence it refuses rather than guesses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.confidence import REFUSE_BELOW, Evidence, answer_confidence
from rag.embedding import Embedder, Vector
from rag.hit import Hit, Retrieval
from rag.phrasing import leans_on_context, phrase
from rag.retrieve import Retriever, covered_share
from rag.sentence_vectors import SentenceVectors

REFUSAL = "I could not find that in your documents."

PASSAGES_READ = 3
"""The right passage is among the first three for 98% of the sample questions."""

MAXIMUM_SENTENCES = 3
MAXIMUM_WORDS = 55
"""Of the quoted sentences; with the source named an answer stays at about 60 words, or 25 s."""

SENTENCE_COVERAGE_WEIGHT = 0.4
PASSAGE_WEIGHT = 1.0
COMPANION_SHARE = 0.8
"""A sentence scores cosine + 0.4 coverage + its passage's score, and joins the best one from 0.8 of
its score on. So the reference answer is spoken for 87% of XQuAD's questions in 35 quoted words and
for 85% of the sample questions in 24; the best sentence alone gives 80% and 71%."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one spoken sentence stands. `score` is the passage's, 0..1; `passage` is its text."""

    document: str
    title: str
    heading: str
    passage: str
    passage_id: int
    score: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is what to speak; `sentences` are the quoted ones, `sources` one for each."""

    text: str
    sentences: tuple[str, ...]
    sources: tuple[Source, ...]
    refused: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence of a hit with how well it fits the question."""

    hit: Hit
    position: int
    cosine: float
    coverage: float
    """Of the question's words by the sentence with its title and headings, 0..1."""

    @property
    def sentence(self) -> str:
        """As it stands in the passage."""
        return self.hit.passage.sentences[self.position]

    @property
    def score(self) -> float:
        """What candidates are chosen by."""
        fit = self.cosine + SENTENCE_COVERAGE_WEIGHT * self.coverage
        return fit + PASSAGE_WEIGHT * self.hit.score


class Answerer:
    """Answers from a Retrieval. Safe from several threads; keeps recent sentences' vectors."""

    def __init__(
        self, embedder: Embedder, retriever: Retriever, refuse_below: float = REFUSE_BELOW
    ) -> None:
        self._vectors = SentenceVectors(embedder)
        self._stems = retriever.stems
        self._refuse_below = refuse_below

    def answer(self, retrieval: Retrieval, is_brief: bool = False) -> Answer:
        """Quote the sentences that answer, or refuse with REFUSAL and no sources.

        `is_brief` quotes one sentence, and the one before it only where it leans on that.
        """
        candidates = self.candidates(retrieval)
        if not candidates:
            return Answer(REFUSAL, (), (), True, 0.0)
        best = max(candidates, key=lambda candidate: candidate.score)
        confidence = answer_confidence(gather_evidence(retrieval, candidates, best))
        if confidence < self._refuse_below:
            return Answer(REFUSAL, (), (), True, confidence)
        chosen = choose(best, candidates, is_brief)
        sentences = tuple(candidate.sentence for candidate in chosen)
        text = phrase(best.hit.passage, sentences)
        return Answer(text, sentences, tuple(map(_source, chosen)), False, confidence)

    def candidates(self, retrieval: Retrieval) -> list[Candidate]:
        """Every sentence of the first PASSAGES_READ hits."""
        hits = retrieval.hits[:PASSAGES_READ]
        return [
            candidate
            for hit, vectors in zip(hits, self._vectors.of_hits(hits), strict=True)
            for candidate in self._of_hit(hit, vectors @ retrieval.vector, retrieval)
        ]

    def _of_hit(self, hit: Hit, cosines: Vector, retrieval: Retrieval) -> Iterator[Candidate]:
        around = self._stems(" ".join([hit.passage.title, *hit.passage.headings]))
        for position, sentence in enumerate(hit.passage.sentences):
            coverage = covered_share(retrieval.terms, around | self._stems(sentence))
            yield Candidate(hit, position, float(cosines[position]), coverage)


def gather_evidence(
    retrieval: Retrieval, candidates: Sequence[Candidate], best: Candidate
) -> Evidence:
    """What answer_confidence judges; `candidates` must not be empty."""
    return Evidence(
        retrieval.passage_cosine,
        retrieval.passage_coverage,
        float(np.max([candidate.cosine for candidate in candidates])),
        best.coverage,
    )


def choose(
    best: Candidate, candidates: Sequence[Candidate], is_brief: bool = False
) -> list[Candidate]:
    """The best sentence and its companions in the same passage, in reading order.

    The sentence before the best one comes along when the best one would not be understood alone.
    A best sentence that is longer than MAXIMUM_WORDS is spoken whole, by itself.
    """
    same = [other for other in candidates if other.hit.passage_id == best.hit.passage_id]
    others = sorted(same, key=lambda other: -other.score)
    wanted = [other for other in others if other.score >= COMPANION_SHARE * best.score]
    wanted = [] if is_brief else wanted
    if leans_on_context(best.sentence):
        wanted = [other for other in same if other.position == best.position - 1] + wanted
    chosen = [best]
    for other in wanted:
        length = sum(len(each.sentence.split()) for each in [*chosen, other])
        if other not in chosen and len(chosen) < MAXIMUM_SENTENCES and length <= MAXIMUM_WORDS:
            chosen.append(other)
    return sorted(chosen, key=lambda candidate: candidate.position)


def _source(candidate: Candidate) -> Source:
    hit = candidate.hit
    return Source(
        hit.document,
        hit.passage.title,
        hit.passage.heading,
        hit.passage.text,
        hit.passage_id,
        hit.score,
        candidate.sentence,
    )
