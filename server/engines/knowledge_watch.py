"""Once a second: has the index kept fit, and after an ingest renews counts and words to hear by.

New passages are found without it, as the index follows the store at every search. While it runs
they are taken in before a search has to.
"""

import asyncio
import logging
import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from models.espeak import EspeakLibrary
from models.stt import Recognizer
from rag.index_follow import following
from rag.schema import StoreError
from rag.store import Store
from server.deadline import Deadline
from server.engines.biasing import Biasing
from server.engines.loading import choose_recognizer, load_recognizer
from server.engines.preparation import prepare_language_model
from server.engines.room import EngineRoom
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
    _biasing: Biasing = field(init=False)
    _retired: list[tuple[Deadline, Recognizer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._biasing = Biasing(self.settings, self.store, self.room, self.workers)

    async def run(self) -> None:
        """Watch until cancelled. A look that fails is logged; the old index serves on."""
        keeper = self.room.current.knowledge.keeper
        following_it = ExitStack()
        if keeper is not None:
            following_it.enter_context(following(keeper.index))
        try:
            await self._watch()
        finally:
            # The end waits for a look that reads just then: not on the event loop.
            await asyncio.to_thread(following_it.close)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.poll_s)
            try:
                await self.look()
                await self._free_retired()
            except (StoreError, OSError, sqlite3.Error, MemoryError, RuntimeError) as error:
                # FAISS raises the last two. They would end the server with the task group.
                log.warning("the index could not be looked after: %s", type(error).__name__)

    async def look(self) -> bool:
        """Look after the index; take in what is new once the store has stood still for one look.

        Tell whether it was new. An ingest grows the generation with every document: one language
        model for all of them is enough.
        """
        knowledge = self.room.current.knowledge
        if knowledge.keeper is not None and await self.workers.run(knowledge.keeper.look):
            log.info("the index is of kind %s now", knowledge.retriever.index.kind)
            self.room.change(knowledge=knowledge)
        await self._biasing.renew(self.room.current.knowledge.generation)
        before, self._seen = self._seen, await self.workers.run(self.store.generation)
        if self._seen == knowledge.generation or self._seen != before:
            return False
        counted = await self.workers.run(lambda: knowledge.counted(self.store))
        self.room.change(knowledge=counted)
        log.info("generation %d: %d passages", counted.generation, counted.passages)
        await self._relearn_words()
        await self._biasing.renew(counted.generation)
        return True

    async def _relearn_words(self) -> None:
        """Rebuild the language model when the recogniser is the one that uses it."""
        choice = choose_recognizer(self.settings)
        if choice.located is not None or not self.settings.biasing:
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
