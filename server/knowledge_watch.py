"""Notices that another process ingested, and puts the new index and language model in place.

It writes nothing to the store.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from models.espeak import EspeakLibrary
from models.stt import Recognizer
from rag.schema import StoreError
from rag.store import Store
from server.deadline import Deadline
from server.engines import EngineRoom
from server.knowledge import Knowledge, load_knowledge
from server.loading import choose_recognizer, load_recognizer
from server.preparation import prepare_language_model
from server.settings import Settings
from server.workers import Workers

log = logging.getLogger(__name__)

POLL_S = 1.0


@runtime_checkable
class Closable(Protocol):
    """A recogniser that holds memory outside Python."""

    def close(self) -> None:
        """Free it; the last call."""


@dataclass(slots=True)
class KnowledgeWatch:
    """Compares the store's generation with the index's, once a second, off the event loop."""

    settings: Settings
    store: Store
    room: EngineRoom
    library: EspeakLibrary
    workers: Workers
    poll_s: float = POLL_S
    _seen: int = -1
    _retired: list[tuple[Deadline, Recognizer]] = field(default_factory=list)

    async def run(self) -> None:
        """Watch until cancelled. A store that cannot be read is logged; the old index serves on."""
        while True:
            await asyncio.sleep(self.poll_s)
            try:
                await self.look()
                await self._free_retired()
            except (StoreError, OSError) as error:
                log.warning("the store could not be read again: %s", type(error).__name__)

    async def look(self) -> bool:
        """Take in what is new once the store has stood still for one look; tell whether it was.

        An ingest grows the generation with every document: one index for all of them is enough.
        """
        before, self._seen = self._seen, await self.workers.run(self.store.generation)
        is_still = self._seen == before
        if self._seen == self.room.current.knowledge.generation or not is_still:
            return False
        embedder = self.room.current.embedder
        knowledge: Knowledge = await self.workers.run(
            lambda: load_knowledge(self.store, embedder, self.settings.refusal_confidence)
        )
        self.room.change(knowledge=knowledge)
        log.info("index of generation %d: %d passages", self._seen, knowledge.passages)
        await self._relearn_words()
        return True

    async def _relearn_words(self) -> None:
        """Rebuild the language model when the recogniser is the one that uses it."""
        choice = choose_recognizer(self.settings)
        if choice.located is not None:
            return
        language_model = await self.workers.run(
            lambda: prepare_language_model(self.settings, self.store, self.library)
        )
        recognizer = await self.workers.run(
            lambda: load_recognizer(self.settings, choice, language_model)
        )
        replaced = self.room.current.recognizer
        self.room.change(recognizer=recognizer)
        self._retired.append((Deadline.after(self.settings.turn_timeout_s), replaced))

    async def _free_retired(self) -> None:
        """Free replaced decoders (190 MB) that no turn that began with them can still use."""
        due = [pair for pair in self._retired if not pair[0].remaining_s]
        for pair in due:
            self._retired.remove(pair)
            if isinstance(pair[1], Closable):
                await self.workers.run(pair[1].close)
