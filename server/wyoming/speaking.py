"""A text to its sound, sentence by sentence, for a Wyoming client; the text may come in pieces."""

import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Eventable

from models.sentences import split_sentences
from models.tts import Speech
from server.deadline import Deadline
from server.errors import InvalidEvent
from server.pipeline import Pipeline
from server.settings import Settings
from server.speaking.saying import pieces_of
from server.wyoming.requests import MAXIMUM_TEXT_CHARACTERS

CHUNK_BYTES: Final = 4096
"""93 ms at 22,050 Hz. Nothing is paced: the client plays it at its own time."""
_WIDTH_BYTES: Final = 2


class Tell(Protocol):
    """Where events go."""

    async def send(self, event: Eventable) -> None:
        """Take one."""
        ...


@dataclass(slots=True)
class Speaking:
    """One text. `add` it in any pieces, then `finish`; each sentence is sent as it is made."""

    tell: Tell
    pipeline: Pipeline
    settings: Settings
    _rest: str = ""
    """What is not known to be a whole sentence yet."""
    _characters: int = 0
    _is_begun: bool = False
    _sent_s: float = 0.0
    _first_sent_at_s: float = 0.0
    _rate_hz: int = field(init=False)

    def __post_init__(self) -> None:
        self._rate_hz = self.pipeline.engines.synthesizer.rate_hz

    @property
    def is_empty(self) -> bool:
        """Whether no text has come yet."""
        return self._characters == 0

    async def add(self, text: str) -> None:
        """Speak the sentences that are whole now.

        Raises InvalidEvent above MAXIMUM_TEXT_CHARACTERS, StageError when the voice fails.
        """
        self._characters += len(text)
        if self._characters > MAXIMUM_TEXT_CHARACTERS:
            raise InvalidEvent(
                f"A text may have {MAXIMUM_TEXT_CHARACTERS} characters.", "text", code="too_large"
            )
        waiting = self._rest + text
        sentences = split_sentences(waiting)
        # What follows a full stop tells whether it ended a sentence, so the last one waits.
        space = waiting[len(waiting.rstrip()) :]
        self._rest = sentences[-1] + space if sentences else ""
        for sentence in sentences[:-1]:
            await self._say(sentence)

    async def finish(self) -> None:
        """Speak the rest. A text with nothing to say gives a start and a stop."""
        await self._say(self._rest)
        await self._begin()
        await self.tell.send(AudioStop(self._sent_ms))

    async def _say(self, sentence: str) -> None:
        pieces = [sentence] if self._is_begun else pieces_of(sentence, len(sentence))
        for piece in pieces:
            if piece.strip():
                await self._send(await self._made(piece))

    async def _made(self, piece: str) -> Speech:
        """The first piece is wanted as soon as an answer is, a later one when it is to be heard."""
        timeout_s = self.settings.turn_timeout_s
        needed = Deadline(self._first_sent_at_s + self._sent_s) if self._is_begun else None
        deadline = Deadline.after(timeout_s + (needed.remaining_s if needed else 0.0))
        result = await self.pipeline.synthesise(
            piece, self.settings.speech_speed, self._rate_hz, deadline, needed
        )
        return result.value

    async def _send(self, speech: Speech) -> None:
        await self._begin()
        pcm = speech.samples.astype("<i2").tobytes()
        for start in range(0, len(pcm), CHUNK_BYTES):
            chunk = pcm[start : start + CHUNK_BYTES]
            await self.tell.send(
                AudioChunk(self._rate_hz, _WIDTH_BYTES, 1, chunk, timestamp=self._sent_ms)
            )
            self._sent_s += len(chunk) / _WIDTH_BYTES / self._rate_hz

    async def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun, self._first_sent_at_s = True, time.monotonic()
            await self.tell.send(AudioStart(self._rate_hz, _WIDTH_BYTES, 1, timestamp=0))

    @property
    def _sent_ms(self) -> int:
        return round(self._sent_s * 1000)
