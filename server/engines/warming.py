"""Fills the caches ahead of questions: by speaking, by answering, and anew after an ingest.

It gives way to every turn, answers nobody, and counts no lookup.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from rag.schema import StoreError
from server.deadline import Deadline
from server.engines.room import EngineRoom, Engines
from server.errors import StageError
from server.pipeline import Pipeline, Stages
from server.settings import Settings
from server.speaking.saying import pieces_of

log = logging.getLogger(__name__)

UNCOUNTED: Final = {"stt": "", "search": "", "answer": ""}
"""As `Pipeline.ahead`: these lookups are nobody's."""


@dataclass(slots=True)
class Warmer:
    """Speaks and answers into the caches of `stages`, with the engines of one turn."""

    settings: Settings
    stages: Stages
    engines: Engines
    spoken: int = 0
    """Pieces of speech made or found."""

    async def speak(self, text: str) -> None:
        """Speak one piece as a turn would. Raises StageError."""
        synthesizer, speed = self.engines.synthesizer, self.settings.speech_speed
        await self._pipeline.synthesise(
            text, speed, synthesizer.rate_hz, self._deadline, is_counted=False
        )
        self.spoken += 1

    async def find(self, question: str, other: str = "") -> str:
        """Search and answer, and return the answer's text. Raises StageError."""
        found = await self._pipeline.search(question, self._deadline, other)
        answer = await self._pipeline.answer(found.value, self._deadline)
        return answer.value.text

    async def answer(self, question: str) -> None:
        """Answer a question and speak all of it. Raises StageError."""
        for piece in self.pieces(await self.find(question)):
            await self.speak(piece)

    def pieces(self, text: str) -> list[str]:
        """Return what a turn would speak one after the other."""
        return pieces_of(text, self.settings.answer_maximum_characters)

    @property
    def _pipeline(self) -> Pipeline:
        return Pipeline(self.stages, self.engines, self.settings.search_hits, ahead=UNCOUNTED)

    @property
    def _deadline(self) -> Deadline:
        return Deadline.after(self.settings.turn_timeout_s)


@dataclass(slots=True)
class Rewarmer:
    """After an ingest, asks the new index in idle time what was asked of the old one lately.

    An ingest makes every kept search and answer worthless at once; who asks next need not pay.
    One task for the process; runs until cancelled.
    """

    settings: Settings
    room: EngineRoom
    stages: Stages

    async def run(self) -> None:
        """Wait for new documents, again and again."""
        if not self.settings.cache_enabled:
            return
        changed = asyncio.Event()
        generation = self.room.current.knowledge.generation

        def listener(engines: Engines) -> None:
            changed.set()

        self.room.subscribe(listener)
        try:
            while True:
                await changed.wait()
                changed.clear()
                before, generation = generation, self.room.current.knowledge.generation
                if generation != before:
                    await self.ask_again(changed)
        finally:
            self.room.unsubscribe(listener)

    def apply(self, settings: Settings) -> None:
        """Do as these say from the next round on."""
        self.settings = settings

    async def ask_again(self, changed: asyncio.Event) -> int:
        """Ask the questions asked last first, and stop when `changed`; return how many."""
        asked = list(dict.fromkeys(one.readings for one in self.stages.search.cache.values()))
        warmer = Warmer(self.settings, self.stages, self.room.current)
        count = 0
        try:
            for readings in asked[: self.settings.rewarm_questions]:
                await self.stages.cores.idle.wait()
                if changed.is_set():
                    break
                for piece in warmer.pieces(await warmer.find(*readings))[:1]:
                    await warmer.speak(piece)
                count += 1
        except (StoreError, StageError) as error:
            log.warning("questions could not be asked again: %s", type(error).__name__)
        return count
