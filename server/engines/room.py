"""Which engines run now, why, and their exchange between turns; it loads none itself.

A turn takes one `Engines` value at its start and keeps it, so that a swap never splits a turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from models.embedder import Embedder
from models.stt import Recognizer
from models.tts import Synthesizer
from server.answering.language_model import LanguageModel
from server.answering.model_answers import ModelAnswers
from server.engines.knowledge import Knowledge

EXTRACTIVE: Final = "extractive"
"""The name of the answers that quote the documents."""

Listener = Callable[["Engines"], None]


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of one turn, and what is said of them."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    embedder: Embedder
    knowledge: Knowledge
    notes: tuple[str, ...] = ()
    small_recognizer: Recognizer | None = None
    """A faster one for when too much stands in line; None where none is loaded."""
    chat: LanguageModel | None = None
    """A language model; None where none is configured."""
    voices: tuple[Synthesizer, ...] = ()
    """Others that a session may choose instead of `synthesizer`."""
    answers: ModelAnswers | None = None
    """What answers by it; None without one."""

    def names(self) -> dict[str, str]:
        """Return job to engine name, as `/health`, the page and `session.created` say it."""
        return {
            "stt": self.recognizer.name,
            "tts": self.synthesizer.name,
            "embedder": self.embedder.name,
            "answer": self._answerer(),
        }

    def voice_names(self) -> list[str]:
        """Return the voices that a session may choose, its own one first."""
        others = [voice.name for voice in self.voices if voice.name != self.synthesizer.name]
        return [self.synthesizer.name, *others]

    def speaking_as(self, name: str) -> "Engines":
        """Return these engines with the voice of that name; "" or one that is gone changes none."""
        chosen = next((voice for voice in self.voices if voice.name == name), self.synthesizer)
        return replace(self, synthesizer=chosen)

    def _answerer(self) -> str:
        if self.chat is None:
            return EXTRACTIVE
        return self.chat.name if self.chat.is_up else f"{EXTRACTIVE} ({self.chat.name} is away)"


class EngineRoom:
    """Holds the current engines. For one event loop, without locks."""

    def __init__(self, engines: Engines) -> None:
        self.current = engines
        self._listeners: set[Listener] = set()

    def subscribe(self, listener: Listener) -> None:
        """Call the listener after every change, until it unsubscribes."""
        self._listeners.add(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Stop calling the listener."""
        self._listeners.discard(listener)

    def change(
        self,
        *,
        recognizer: Recognizer | None = None,
        synthesizer: Synthesizer | None = None,
        knowledge: Knowledge | None = None,
        small_recognizer: Recognizer | None = None,
        notes: tuple[str, ...] | None = None,
    ) -> None:
        """Put other engines in place for the turns that start from now on."""
        now = self.current
        self.current = replace(
            now,
            recognizer=recognizer or now.recognizer,
            synthesizer=synthesizer or now.synthesizer,
            knowledge=knowledge or now.knowledge,
            small_recognizer=small_recognizer or now.small_recognizer,
            notes=now.notes if notes is None else notes,
        )
        for listener in tuple(self._listeners):
            listener(self.current)
