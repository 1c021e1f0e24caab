"""Tells recognisers that take hotwords the rare words of the documents, anew when those change.

The embedded recogniser gets a language model instead: server/engines/preparation.py.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from models.digest import write_durably
from models.hotwords import hotwords_of
from models.sphinx_library import SphinxError
from models.stt import Recognizer
from rag.store import Store
from rag.store_vectors import store_identity
from server.engines.room import EngineRoom
from server.settings import Settings
from server.workers import Workers

log = logging.getLogger(__name__)


@runtime_checkable
class Biasable(Recognizer, Protocol):
    """A recogniser that can be told which words to expect."""

    def with_hotwords(self, words: Sequence[str]) -> Recognizer:
        """Return one that expects these words, the most important first."""


@dataclass(slots=True)
class Biasing:
    """For one event loop; what reads the store or a tokenizer runs on the workers."""

    settings: Settings
    store: Store
    room: EngineRoom
    workers: Workers
    _told: list[Recognizer] = field(default_factory=list)
    """Those in the room that know the words of `_generation`."""
    _generation: int = -1

    async def renew(self, generation: int) -> bool:
        """Tell whoever does not know the words of this generation yet, and say whether any did."""
        if generation != self._generation:
            self._told, self._generation = [], generation
        now = self.room.current
        if not self.settings.biasing or not any(
            map(self._waits, (now.recognizer, now.small_recognizer))
        ):
            return False
        words = await self.workers.run(lambda: prepare_hotwords(self.settings, self.store))
        now = self.room.current
        recognizer = await self._biased(now.recognizer, words)
        small = await self._biased(now.small_recognizer, words)
        if self.room.current.recognizer is not now.recognizer:
            return False  # other weights have come meanwhile: they are told at the next look
        self.room.change(recognizer=recognizer, small_recognizer=small)
        self._told = [told for told in (recognizer, small) if told is not None]
        return True

    def _waits(self, recognizer: Recognizer | None) -> bool:
        is_told = any(recognizer is told for told in self._told)
        return isinstance(recognizer, Biasable) and not is_told

    async def _biased(
        self, recognizer: Recognizer | None, words: tuple[str, ...]
    ) -> Recognizer | None:
        if not isinstance(recognizer, Biasable):
            return recognizer
        return await self.workers.run(lambda: recognizer.with_hotwords(words))


def prepare_hotwords(settings: Settings, store: Store) -> tuple[str, ...]:
    """The words of the store's generation, kept on disk for the next start. Blocking."""
    path = settings.prepared_dir / "hotwords.json"
    state = f"{store_identity(store)}-{store.generation()}"
    try:
        kept = json.loads(path.read_bytes())
        if kept["made_from"] == state:
            return tuple(str(word) for word in kept["words"])
    except (OSError, ValueError, KeyError, TypeError):
        log.debug("no hotwords were kept yet")
    try:
        words = hotwords_of(store.language_texts())
    except SphinxError as error:
        log.warning("the documents' rare words are not told to the recogniser: %s", error)
        return ()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, json.dumps({"made_from": state, "words": words}).encode())
    log.info("generation %s: %d words are told to the recogniser", state, len(words))
    return words
