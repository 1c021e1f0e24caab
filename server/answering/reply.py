"""The answer of one turn as it is spoken: quoted from the documents, or in a model's own words.

Whatever a language model does, there is an answer: the quoted one is made first, decides whether
the documents answer at all, and is at hand when the model fails. It speaks nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from models.llm import ChatRequest
from rag.answer import REFUSAL, Answer, Source
from rag.hit import Hit
from server.answering.conversation import EMPTY
from server.answering.cutting import Spoken
from server.answering.generation import Generation
from server.answering.kept_answers import STAGE
from server.answering.metrics import AnsweredBy
from server.answering.model_answers import ModelAnswers
from server.answering.prompt import PROMPT_DIGEST, request_of
from server.cache.canonical import canonical_question
from server.deadline import Deadline
from server.engines.room import EXTRACTIVE
from server.errors import LlmUnavailable
from server.governor import Step
from server.pipeline import Found, Pipeline
from server.speaking.saying import pieces_of
from server.speaking.unheard import Unheard
from server.stage import StageResult


class Reply(Protocol):
    """An answer whose pieces are taken one by one, each once."""

    @property
    def quoted(self) -> StageResult[Answer]:
        """The documents' own answer, whether it is spoken or not."""

    @property
    def answer(self) -> Answer:
        """What is known of the answer now; its sources may grow with the pieces."""

    @property
    def basis(self) -> Answer:
        """What names where the answer stands, when it begins."""

    @property
    def engine(self) -> str:
        """What answers."""

    @property
    def trouble(self) -> LlmUnavailable | None:
        """Why the documents are quoted although a model was asked; may come with a piece."""

    @property
    def is_hit(self) -> bool:
        """Whether it was kept."""

    async def piece(self) -> str | None:
        """Return the next piece to be spoken; None after the last."""

    def upcoming(self) -> list[str]:
        """Return the pieces that are known and were not taken."""


@dataclass(slots=True)
class QuotedReply:
    """Sentences of the documents."""

    quoted: StageResult[Answer]
    maximum_characters: int
    trouble: LlmUnavailable | None = None
    answer: Answer = field(init=False)
    engine: str = EXTRACTIVE
    _pieces: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.answer = self.quoted.value
        self._pieces = pieces_of(self.answer.text, self.maximum_characters)

    @property
    def is_hit(self) -> bool:
        """See Reply."""
        return self.quoted.is_hit

    @property
    def basis(self) -> Answer:
        """See Reply."""
        return self.answer

    async def piece(self) -> str | None:
        """See Reply."""
        return self._pieces.pop(0) if self._pieces else None

    def upcoming(self) -> list[str]:
        """See Reply."""
        return list(self._pieces)


def rest_reply(rest: Unheard) -> QuotedReply:
    """Return what was not heard of an earlier answer, whoever gave it."""
    answer = Answer("", (), rest.sources, False, 1.0)
    reply = QuotedReply(StageResult(answer, True, 0.0, 0.0), 0, engine="")
    reply._pieces = list(rest.pieces)
    return reply


def said_reply(text: str, engine: str) -> QuotedReply:
    """Return a model's words that rest on no passage: what it made of the client's functions."""
    answer = Answer(text, (), (), False, 1.0)
    return QuotedReply(StageResult(answer, False, 0.0, 0.0), len(text), engine=engine)


@dataclass(slots=True)
class ModelReply:
    """A model's words, with the passages that it cites; quoted from where it breaks off."""

    quoted: StageResult[Answer]
    maximum_characters: int
    hits: Sequence[Hit]
    generation: Generation
    is_hit: bool
    count: Callable[[AnsweredBy], None]
    answer: Answer = field(init=False)
    trouble: LlmUnavailable | None = None
    _place: int = 0
    _rest: QuotedReply | None = None

    def __post_init__(self) -> None:
        if self.generation.is_refusal:
            self.answer = Answer(REFUSAL, (), (), True, self.quoted.value.confidence)
        else:
            self.answer = Answer("", (), (), False, self.quoted.value.confidence)
            self._cite(self.generation.pieces[:2])

    @property
    def engine(self) -> str:
        """See Reply."""
        return self.generation.engine

    @property
    def basis(self) -> Answer:
        """The documents' own answer, until the model has cited something."""
        has_cited = self.answer.sources or self.answer.refused
        return self.answer if has_cited else self.quoted.value

    async def piece(self) -> str | None:
        """See Reply."""
        if self._rest is not None:
            return await self._rest.piece()
        if self.generation.is_refusal:
            text, self._place = REFUSAL if self._place == 0 else None, 1
            return text
        spoken = await self.generation.piece(self._place)
        if spoken is not None:
            self._place += 1
            self._cite([spoken])
            return spoken.text
        if self.generation.trouble is not None:
            return await self._quote_the_rest(self.generation.trouble)
        if not self.answer.sources:
            self._name_what_was_read()
        return None

    def upcoming(self) -> list[str]:
        """See Reply."""
        if self._rest is not None:
            return self._rest.upcoming()
        return [each.text for each in self.generation.pieces[self._place :]]

    async def _quote_the_rest(self, trouble: LlmUnavailable) -> str | None:
        self.trouble = trouble
        self.count(AnsweredBy.BROKEN_OFF)
        said = sum(len(each.text) + 1 for each in self.generation.pieces[: self._place])
        quoted = self.quoted.value
        left = 0 if quoted.refused else max(0, self.maximum_characters - said)
        self._rest = QuotedReply(self.quoted, left)
        if left:
            known = (*self.answer.sources, *quoted.sources)
            self.answer = replace(self.answer, sources=known)
        return await self._rest.piece()

    def _cite(self, pieces: Sequence[Spoken]) -> None:
        known = self.answer.sources
        added = [
            source_of(self.hits[place], spoken.sentence)
            for spoken in pieces
            for place in spoken.places
            if 0 <= place < len(self.hits)
        ]
        fresh = tuple(source for source in added if source not in known)
        if fresh:
            self.answer = replace(self.answer, sources=(*known, *fresh))

    def _name_what_was_read(self) -> None:
        """Nothing was cited: the best passage is named, and supports no sentence."""
        self.answer = replace(
            self.answer, sources=tuple(source_of(hit, "") for hit in self.hits[:1])
        )


def source_of(hit: Hit, sentence: str) -> Source:
    """Return a hit as the source of a spoken sentence."""
    passage = hit.passage
    return Source(
        hit.document,
        passage.title,
        passage.heading,
        passage.text,
        hit.passage_id,
        hit.score,
        sentence,
    )


@asynccontextmanager
async def compose(
    pipeline: Pipeline, found: Found, deadline: Deadline, *, is_counted: bool = True
) -> AsyncIterator[Reply]:
    """Answer from what was found; leaving ends what nobody else reads. Raises StageError.

    A guess made ahead is not counted among the answers: its turn is.
    """
    quoted = await pipeline.answer(found, deadline)
    answers = pipeline.engines.answers
    maximum = pipeline.maximum_characters
    if answers is None:
        yield QuotedReply(quoted, maximum)
        return
    count = answers.metrics.answered if is_counted else _count_nothing
    if (by := why_quoted(answers, quoted.value, pipeline)) is not None:
        count(by)
        yield QuotedReply(quoted, maximum)
        return
    patience = min(Deadline.after(answers.limits.patience_s), deadline)
    request, key = ask_of(pipeline, found, answers)
    async with answers.open(key, request, patience) as (generation, source):
        trouble = await first_piece(generation, patience)
        count(source if trouble is None else AnsweredBy.UNAVAILABLE)
        if trouble is not None:
            yield QuotedReply(quoted, maximum, trouble)
            return
        hits = found.retrieval.hits
        is_hit = source is AnsweredBy.CACHE
        yield ModelReply(quoted, maximum, hits, generation, is_hit, count)


def _count_nothing(by: AnsweredBy) -> None:
    """See `compose`."""


def why_quoted(answers: ModelAnswers, quoted: Answer, pipeline: Pipeline) -> AnsweredBy | None:
    """Why no model is asked; None when it is."""
    if quoted.refused and not answers.limits.is_asked_without_evidence:
        return AnsweredBy.REFUSED
    return AnsweredBy.DEGRADED if Step.QUOTED_ANSWERS in pipeline.steps else None


async def first_piece(generation: Generation, patience: Deadline) -> LlmUnavailable | None:
    """Wait for the first piece; return why there is none."""
    try:
        async with asyncio.timeout(patience.remaining_s):
            first = await generation.piece(0)
    except TimeoutError:
        return LlmUnavailable("The language model is too slow: the documents are quoted.")
    return None if first is not None or generation.is_refusal else generation.trouble


def ask_of(pipeline: Pipeline, found: Found, answers: ModelAnswers) -> tuple[ChatRequest, str]:
    """Return the request, and the key of all that its answer depends on.

    The conversation is part of both only where the question leans on it: what stands alone has the
    same answer for everybody.
    """
    is_brief = Step.BRIEF_ANSWERS in pipeline.steps
    question = canonical_question(found.retrieval.question)
    hits = found.retrieval.hits
    window = pipeline.window if found.is_following else EMPTY
    said = [(each.question, each.answer) for each in window.exchanges]
    parts = (
        answers.model.fingerprint,
        PROMPT_DIGEST,
        f"brief={is_brief:d}",
        f"most={answers.limits.maximum_characters}",
    )
    content = (question, said, [hit.passage_id for hit in hits])
    key = pipeline.knowledge_key(STAGE, found.retrieval.generation, parts, content)
    return request_of(question, hits, window, is_brief=is_brief), key
