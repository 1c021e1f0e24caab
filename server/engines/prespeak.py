"""Speaks the openings of answers, and the refusal, into the cache while nobody needs the machine.

A quoted answer begins by naming its document, so its first sound can be known before any question
is. A language model begins as it likes: where one answers, only the refusal is spoken ahead, and a
quoted answer in its place pays for its opening. It answers nothing, and gives way to every turn.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rag.answer import REFUSAL
from rag.phrasing import opening_clause
from rag.schema import StoreError
from rag.store import Store
from server.deadline import Deadline
from server.engines.room import EngineRoom, Engines
from server.errors import StageError
from server.pipeline import Pipeline, Stages
from server.settings import Settings
from server.workers import Workers

log = logging.getLogger(__name__)

SHARE_OF_CACHE: Final = 0.25
"""What the openings may take of the speech cache: the rest is for what is really asked."""


def openings(store: Store, documents: int) -> list[str]:
    """Return the refusal and what answers from the first `documents` begin with. Blocking."""
    titles = dict.fromkeys(document.title for document in store.documents()[:documents])
    return [REFUSAL, *map(opening_clause, titles)]


@dataclass(slots=True)
class Prespeaker:
    """One task for the process; runs until cancelled."""

    settings: Settings
    store: Store
    room: EngineRoom
    stages: Stages
    workers: Workers
    spoken: int = 0
    """Openings spoken since the start."""

    async def run(self) -> None:
        """Speak all openings, then again whenever engines or documents change, or they expire."""
        settings = self.settings
        if not (settings.prespeak and settings.cache_enabled):
            return
        changed = asyncio.Event()

        def listener(engines: Engines) -> None:
            changed.set()

        self.room.subscribe(listener)
        try:
            while True:
                changed.clear()
                await self._speak_all(self.room.current, changed)
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), settings.cache_ttl_s)
        finally:
            self.room.unsubscribe(listener)

    def apply(self, settings: Settings) -> None:
        """Do as these say from the next round on."""
        self.settings = settings

    def _texts(self, engines: Engines) -> list[str]:
        is_quoting = engines.answers is None
        return openings(self.store, self.settings.prespeak_documents if is_quoting else 0)

    async def _speak_all(self, engines: Engines, changed: asyncio.Event) -> None:
        left_bytes = int(self.settings.cache_bytes * SHARE_OF_CACHE)
        pipeline = Pipeline(self.stages, engines, self.settings.search_hits)
        try:
            for text in await self.workers.run(lambda: self._texts(engines)):
                await self.stages.cores.idle.wait()
                if changed.is_set() or left_bytes <= 0:
                    return
                left_bytes -= await self._speak(pipeline, text)
        except (StoreError, StageError) as error:
            log.warning("openings could not be spoken: %s", type(error).__name__)

    async def _speak(self, pipeline: Pipeline, text: str) -> int:
        deadline = Deadline.after(self.settings.turn_timeout_s)
        synthesizer, speed = pipeline.engines.synthesizer, self.settings.speech_speed
        rate_hz = synthesizer.rate_hz
        result = await pipeline.synthesise(text, speed, rate_hz, deadline, is_counted=False)
        self.spoken += 1
        return int(result.value.samples.nbytes)
