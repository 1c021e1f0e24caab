"""Fetches the preset's better weights in the background and swaps the engines between turns.

The embedded engines answer meanwhile. It decides nothing about which weights those are:
server/engines/loading.py does.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from models.catalog import CATALOG, ModelEntry, Source
from models.espeak import EspeakLibrary
from models.fetch import fetch_entry, hub_answers
from models.fetch_error import FetchError
from models.stt import Recognizer
from models.tts import Synthesizer
from server.engines.loading import (
    choose_recognizer,
    choose_synthesizer,
    load_recognizer,
    load_synthesizer,
    notes_on,
)
from server.engines.room import EngineRoom
from server.settings import RecognizerChoice, Settings, SynthesizerChoice
from server.workers import Workers

log = logging.getLogger(__name__)

HUB_ANSWER_S = 2.0
PROGRESS_STEPS = 10
"""A fetch is told of this often: every tenth of it."""


@dataclass(slots=True)
class HubWatch:
    """One look for the hub at start, then at most one fetch of each missing model."""

    settings: Settings
    room: EngineRoom
    library: EspeakLibrary
    say: Callable[[str], None]
    workers: Workers
    """Daemon threads: a name look-up that hangs cannot keep the process from exiting."""

    async def run(self) -> None:
        """Look, fetch, load, swap. Ends when all is there or the hub does not answer."""
        wanted = self._wanted()
        if self.settings.offline or not wanted:
            return
        endpoint = self.settings.hub_endpoint
        if not await self.workers.run(lambda: hub_answers(endpoint, HUB_ANSWER_S)):
            self.say(
                "No model hub answers: the embedded engines run. "
                "PARLEY_OFFLINE=1 skips the look; `parley models fetch` gets better ones later."
            )
            return
        for entry in wanted:
            await self._fetch(entry)

    def _wanted(self) -> list[ModelEntry]:
        """Return what `auto` would rather have and is not here."""
        settings, wanted = self.settings, []
        if (
            settings.stt is not RecognizerChoice.POCKETSPHINX
            and not choose_recognizer(settings).located
        ):
            wanted.append(settings.stt_model)
        if (
            settings.tts is not SynthesizerChoice.ESPEAK
            and not choose_synthesizer(settings).located
        ):
            wanted.append(settings.tts_voice)
        entries = [CATALOG[name] for name in wanted if name in CATALOG]
        return [entry for entry in entries if entry.source is Source.HUB]

    async def _fetch(self, entry: ModelEntry) -> None:
        cancel = threading.Event()
        loop = asyncio.get_running_loop()
        told_tenths = -1

        def progress(done_bytes: int, total_bytes: int | None) -> None:
            nonlocal told_tenths
            tenths = done_bytes * PROGRESS_STEPS // total_bytes if total_bytes else 0
            if tenths > told_tenths:
                told_tenths = tenths
                loop.call_soon_threadsafe(
                    self._note, f"Fetching {entry.name}: {tenths * 100 // PROGRESS_STEPS}%"
                )

        settings = self.settings
        try:
            await self.workers.run(
                lambda: fetch_entry(
                    entry, settings.models_dir, settings.hub_endpoint, progress, cancel
                )
            )
            await self._swap()
        except FetchError as error:
            log.warning("%s", error)
            self._note(f"{entry.name} was not fetched: {error}")
        finally:
            cancel.set()

    async def _swap(self) -> None:
        """Load what has become available and put it in place for the next turn."""
        ears, voice = choose_recognizer(self.settings), choose_synthesizer(self.settings)
        now = self.room.current
        recognizer: Recognizer | None = None
        synthesizer: Synthesizer | None = None
        if ears.located and "pocketsphinx" in now.recognizer.name:
            recognizer = await self.workers.run(lambda: load_recognizer(self.settings, ears, None))
        if voice.located and "espeak" in now.synthesizer.name:
            synthesizer = await self.workers.run(
                lambda: load_synthesizer(self.settings, voice, self.library)
            )
        self.room.change(
            recognizer=recognizer, synthesizer=synthesizer, notes=notes_on(ears, voice)
        )
        names = self.room.current.names()
        self.say(f"From the next turn on: {names['stt']} hears, {names['tts']} speaks")

    def _note(self, note: str) -> None:
        kept = [old for old in self.room.current.notes if not old.startswith("Fetching ")]
        self.room.change(notes=(*kept, note))
