"""The answer in the documents' own words: one to three sentences that read well aloud.

It retrieves nothing and speaks nothing; without good evidence it refuses rather than guesses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from rag.asked import asked_for, has_what_is_asked
from rag.choice import Candidate, Draft, Quote, choose, most_promising
from rag.confidence import REFUSE_BELOW, Evidence, answer_confidence
from rag.embedding import Embedder
from rag.follow_up import margins_of
from rag.hit import Hit, Retrieval
from rag.phrasing import is_cross_reference, is_question, phrase
from rag.retrieve import Retriever, covered_share
from rag.sentence_vectors import SentenceVectors

REFUSAL = "I could not find that in your documents."

PASSAGES_READ = 3
"""The right passage is among the first three for 98% of the sample questions."""

SENTENCES_READ = 18
"""Of those passages, by meaning: each costs about a millisecond of a core. More are told apart by
their words first, which changes no answer to the sample questions or to every third of XQuAD's. In
MedQuAD's uncut passages (10 sentences, one in twenty over 30) 4% of the answers change; with a
limit of 12 it is 7%."""


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

        `is_brief` gives one sentence, with the one that it leans on. It still names its source,
        which costs no synthesis: server/engines/prespeak.py spoke it before.
        """
        candidates = self.candidates(retrieval)
        if not candidates:
            return Answer(REFUSAL, (), (), True, 0.0)
        best = max(candidates, key=lambda candidate: candidate.score)
        confidence = answer_confidence(gather_evidence(retrieval, candidates))
        if confidence < self._refuse_below:
            return Answer(REFUSAL, (), (), True, confidence)
        chosen = choose(best, candidates, is_brief)
        sentences = tuple(quote.sentence for quote in chosen)
        text = phrase(best.hit.passage, sentences)
        sources = tuple(_source(quote, best.hit) for quote in chosen)
        return Answer(text, sentences, sources, False, confidence)

    def going_on(self, retrieval: Retrieval, earlier: Hit) -> Retrieval:
        """With the passage that answered the question before first, where the documents allow it.

        `earlier` is that passage as it fits this question (Retriever.look_again). The question is
        one that stands alone; its vector, terms and confidence stay as they are. Long questions
        and those that other passages answer better are returned unchanged.
        """
        margins, hits = margins_of(retrieval.question), retrieval.hits
        if margins is None or not hits or earlier.passage_id == hits[0].passage_id:
            return retrieval
        if earlier.score < hits[0].score - margins.passage:
            return retrieval
        others = tuple(hit for hit in hits if hit.passage_id != earlier.passage_id)
        read = self._best_own_fits(retrieval, (earlier, *hits[:PASSAGES_READ]))
        lacking = max(read) - read[0]
        if lacking > margins.sentence:
            return retrieval
        # So that its best sentence is level with the others' best, and one of its own is spoken.
        score = min(1.0, max(earlier.score, hits[0].score + lacking))
        first = replace(earlier, score=score)
        return replace(retrieval, hits=(first, *others)[: len(hits)])

    def _best_own_fits(self, retrieval: Retrieval, hits: Sequence[Hit]) -> list[float]:
        """Of each hit its best sentence's; -inf where no sentence could be spoken."""
        share = SENTENCES_READ // PASSAGES_READ
        drafts = [
            draft
            for hit in hits
            for draft in most_promising(list(self._drafts(hit, retrieval)), share)
        ]
        best = dict.fromkeys((hit.passage_id for hit in hits), -inf)
        for each in self._read(drafts, retrieval):
            best[each.hit.passage_id] = max(best[each.hit.passage_id], each.own_fit)
        return [best[hit.passage_id] for hit in hits]

    def candidates(self, retrieval: Retrieval) -> list[Candidate]:
        """Of the first PASSAGES_READ hits the SENTENCES_READ that promise most by their words."""
        hits = retrieval.hits[:PASSAGES_READ]
        drafts = [draft for hit in hits for draft in self._drafts(hit, retrieval)]
        return self._read(most_promising(drafts, SENTENCES_READ), retrieval)

    def _read(self, drafts: Sequence[Draft], retrieval: Retrieval) -> list[Candidate]:
        """With the cosine that each has with the question."""
        wanted = [(draft.hit, at) for draft in drafts for at in draft.positions]
        vectors = self._vectors.of(wanted)
        return [
            Candidate(
                draft.hit,
                draft.position,
                max(
                    float(vectors[draft.hit.passage_id, at] @ retrieval.vector)
                    for at in draft.positions
                ),
                draft.coverage,
                draft.has_what_is_asked,
            )
            for draft in drafts
        ]

    def _drafts(self, hit: Hit, retrieval: Retrieval) -> Iterator[Draft]:
        around = self._stems(" ".join([hit.passage.title, *hit.passage.headings]))
        wanted = asked_for(retrieval.question)
        asked, asked_at = set[str](), None
        for position, sentence in enumerate(hit.passage.sentences):
            if is_cross_reference(sentence):
                continue
            stems = self._stems(sentence)
            if is_question(sentence) and position + 1 < len(hit.passage.sentences):
                asked, asked_at = stems, position
                continue
            coverage = covered_share(retrieval.terms, around | stems | asked)
            positions = (position,) if asked_at is None else (position, asked_at)
            kind = has_what_is_asked(wanted, sentence)
            yield Draft(hit, positions, coverage, kind)
            asked, asked_at = set(), None


def gather_evidence(retrieval: Retrieval, candidates: Sequence[Candidate]) -> Evidence:
    """What answer_confidence judges; `candidates` must not be empty.

    The sentence looked at is the one that fits best. What kind of thing is asked for says which
    sentence to speak, not whether the documents answer.
    """
    fittest = max(candidates, key=lambda candidate: candidate.fit)
    return Evidence(
        retrieval.passage_cosine,
        retrieval.passage_coverage,
        float(np.max([candidate.cosine for candidate in candidates])),
        fittest.coverage,
    )


def _source(quote: Quote, hit: Hit) -> Source:
    stored = quote.stored
    return Source(
        stored.document,
        stored.passage.title,
        stored.passage.heading,
        stored.passage.text,
        stored.passage_id,
        hit.score,
        quote.sentence,
    )
