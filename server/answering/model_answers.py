"""Answers in a language model's own words: kept ones, those that are being given, and new ones.

Who asks the same at the same time reads the same answer, a guess made ahead and its turn too. It
finds no passages and speaks nothing.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from models.llm import ChatRequest, Finish, FinishReason, LlmError, TextDelta
from server.answering.cutting import Cutter
from server.answering.generation import Generation
from server.answering.kept_answers import KeptAnswers
from server.answering.language_model import LanguageModel, Reply
from server.answering.metrics import AnsweredBy, LlmMetrics
from server.deadline import Deadline
from server.errors import LlmUnavailable

log = logging.getLogger(__name__)

GRACE_S: Final = 0.5
"""A guess is dropped just before its turn takes over: so long nobody need read an answer."""


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How a language model is used."""

    patience_s: float = 8.0
    """For the first piece; then the documents are quoted."""
    maximum_characters: int = 1200
    is_asked_ahead: bool = True
    """At a pause, when the words are surely a whole question."""
    is_asked_without_evidence: bool = False
    """Also where the quoting answer would refuse."""


@dataclass(slots=True)
class ModelAnswers:
    """For one event loop, without locks. `stop` ends what it started."""

    model: LanguageModel
    kept: KeptAnswers
    limits: AnswerLimits = AnswerLimits()
    _running: dict[str, Generation] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def metrics(self) -> LlmMetrics:
        """Where its answers are counted."""
        return self.model.metrics

    @asynccontextmanager
    async def open(
        self, key: str, request: ChatRequest, patience: Deadline
    ) -> AsyncIterator[tuple[Generation, AnsweredBy]]:
        """Read an answer from its start; the last one to leave ends it, but for GRACE_S.

        Raises nothing: what fails is told by the generation.
        """
        told = await self.kept.look(key, patience)
        if told is not None:
            yield Generation.of(told), AnsweredBy.CACHE
            return
        by = AnsweredBy.JOINED if key in self._running else AnsweredBy.MODEL
        generation = self._running.get(key) or self._begin(key, request, patience)
        generation.readers += 1
        try:
            yield generation, by
        finally:
            generation.readers -= 1
            asyncio.get_running_loop().call_later(GRACE_S, self._abandon, key, generation)

    async def stop(self) -> None:
        """End what is being given, and close the model."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.model.close()

    def _begin(self, key: str, request: ChatRequest, patience: Deadline) -> Generation:
        generation = Generation(self.model.name, self.limits.maximum_characters)
        task = asyncio.create_task(self._run(key, generation, request, patience))
        self._running[key], self._tasks[key] = generation, task
        task.add_done_callback(lambda done: self._ended(key, generation, done))
        return generation

    def _ended(self, key: str, generation: Generation, done: "asyncio.Task[None]") -> None:
        if self._tasks.get(key) is done:
            del self._running[key], self._tasks[key]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("an answer broke: %s", type(error).__name__, exc_info=error)
        if not generation.is_over:
            generation.end(LlmUnavailable("The language model's answer was not finished."))

    def _abandon(self, key: str, generation: Generation) -> None:
        if not generation.readers and self._running.get(key) is generation:
            self._tasks[key].cancel()

    async def _run(
        self, key: str, generation: Generation, request: ChatRequest, patience: Deadline
    ) -> None:
        started_at_s, fingerprint = time.monotonic(), self.model.fingerprint
        try:
            async with self.model.chat(request, patience) as reply:
                generation.engine = reply.endpoint.model.name
                is_whole = await self._read(reply, generation)
                is_primary = reply.endpoint.model.fingerprint == fingerprint
        except LlmUnavailable as error:
            generation.end(error)
            return
        except LlmError:
            generation.end(
                LlmUnavailable("The language model broke off: the documents are quoted.")
            )
            return
        generation.end()
        if is_whole and is_primary and generation.trouble is None:
            self.kept.keep(key, generation.told(), (time.monotonic() - started_at_s) * 1000)

    async def _read(self, reply: Reply, generation: Generation) -> bool:
        """Cut what comes; tell whether it is all that the model had to say, or that is wanted.

        Calls of tools are dropped: none was offered, and none is run.
        """
        cutter, reason = Cutter(), FinishReason.OTHER
        async for piece in reply:
            if isinstance(piece, TextDelta):
                generation.add(cutter.feed(piece.text))
            elif isinstance(piece, Finish):
                reason = piece.reason
            if generation.is_full:
                return True
        generation.add(cutter.end())
        return reason in (FinishReason.STOP, FinishReason.OTHER)
