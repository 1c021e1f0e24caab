"""One Wyoming connection: what is asked is served in order, until its client leaves or errs.

An error ends the connection, behind its `error` event: clients of older versions know no such
event and would wait for ever.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.ping import Pong
from wyoming.tts import SynthesizeStopped

from server.errors import AtCapacity, Idle, InvalidEvent, ParleyError
from server.surroundings import Surroundings
from server.wyoming import requests as asked
from server.wyoming.answering import answer
from server.wyoming.conversations import Conversations
from server.wyoming.described import describe
from server.wyoming.hearing import Hearing
from server.wyoming.reading import read_event
from server.wyoming.sending import Sender
from server.wyoming.speaking import Speaking

QUEUED_EVENTS: Final = 4
"""Read ahead of the one that is served; then the kernel, and the client, hold what follows."""


class Work(StrEnum):
    """What a client can have done for it; a label of /metrics."""

    TRANSCRIBE = "transcribe"
    HANDLE = "handle"
    SYNTHESIZE = "synthesize"


class Ending(StrEnum):
    """How it ended; a label of /metrics."""

    DONE = "done"
    REFUSED = "refused"
    """There was no place for it."""
    FAILED = "failed"
    GONE = "gone"
    """The client left before."""


LetIn = Callable[[Work], None]
"""Raises AtCapacity when there is no place for such work."""


@dataclass(slots=True)
class Caller:
    """Call `serve` once."""

    reader: asyncio.StreamReader
    sender: Sender
    shared: Surroundings
    let_in: LetIn
    conversations: Conversations
    work: Work | None = None
    """What is being done."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while nothing is."""
    _events: asyncio.Queue[Event | ParleyError] = field(init=False)
    _group: asyncio.TaskGroup = field(init=False)
    """Runs what is done ahead; what is done for words that were told is finished there."""
    _hearing: Hearing | None = None
    _is_told: bool = False
    """The words were told before `audio-stop`: the rest of the audio is not listened to."""
    _speaking: Speaking | None = None

    def __post_init__(self) -> None:
        self._events = asyncio.Queue(QUEUED_EVENTS)
        self.idle.set()

    async def serve(self) -> None:
        """Serve until the client leaves, which drops what is being done. Raises what ended it."""
        try:
            async with asyncio.TaskGroup() as self._group:
                both = [
                    self._group.create_task(each) for each in (self._serve_all(), self._read_all())
                ]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for task in both:
                    task.cancel()
                await asyncio.wait(both)
                error = None if both[0].cancelled() else both[0].result()
                self._stop(error)
        finally:
            self._end(Ending.GONE)
        if error is not None:
            raise error

    async def _read_all(self) -> None:
        """Queue events until the client leaves; behind what cannot be read, only wait for that."""
        while (event := await self._next_event()) is not None:
            await self._events.put(event)
            if isinstance(event, ParleyError):
                await self.sender.discard(self.reader)
                return

    async def _next_event(self) -> Event | ParleyError | None:
        idle_s = self.shared.settings.wyoming_idle_timeout_s
        try:
            async with asyncio.timeout(idle_s):
                return await read_event(self.reader)
        except TimeoutError:
            return Idle(f"Nothing was asked for {idle_s:g} s.")
        except InvalidEvent as error:
            return error

    async def _serve_all(self) -> ParleyError:
        try:
            while True:
                await self._serve(await self._events.get())
        except ParleyError as error:
            return error

    async def _serve(self, event: Event | ParleyError) -> None:
        if isinstance(event, ParleyError):
            raise event
        match asked.request_of(event):
            case asked.Describe():
                await self.sender.send(describe(self.shared))
            case asked.Ping(text):
                await self.sender.send(Pong(text))
            case asked.AudioStart() | asked.AudioChunk() | asked.AudioStop() as sound:
                await self._listen(sound)
            case asked.Question(text, conversation_id):
                self._begin(Work.HANDLE)
                pipeline, settings = self.shared.pipeline(), self.shared.settings
                conversation = self.conversations.of(conversation_id)
                await answer(text, conversation, self.sender, pipeline, settings)
                self._end(Ending.DONE)
            case asked.Synthesize(text, voice) if self._speaking is None:
                await self._speak_all(text, voice)
            case asked.Synthesize(text) if self._speaking and self._speaking.is_empty:
                await self._speaking.add(text)
            case asked.SynthesizeStart() | asked.SynthesizeChunk() | asked.SynthesizeStop() as part:
                await self._speak(part)

    async def _listen(self, sound: asked.AudioStart | asked.AudioChunk | asked.AudioStop) -> None:
        words: str | None = None
        match sound:
            case asked.AudioStart():
                if self._hearing is not None or self._is_told:
                    raise InvalidEvent("The audio before has no `audio-stop`.", code="wrong_order")
                self._begin(Work.TRANSCRIBE)
                self._hearing = Hearing(sound.format, self.shared, self._group)
            case asked.AudioChunk() | asked.AudioStop() if self._is_told:
                self._is_told = isinstance(sound, asked.AudioChunk)
            case _ if self._hearing is None:
                raise InvalidEvent("Audio begins with `audio-start`.", code="wrong_order")
            case asked.AudioChunk():
                words = await self._hearing.hear(sound.audio, sound.format)
                self._is_told = words is not None
            case asked.AudioStop():
                words = await self._hearing.finish()
        if words is not None:
            self._hearing = None
            await self.sender.send(Transcript(words, language=asked.LANGUAGE))
            self._end(Ending.DONE)

    async def _speak_all(self, text: str, voice: str) -> None:
        self._begin(Work.SYNTHESIZE)
        speaking = self._new_speaking(voice)
        await speaking.add(text)
        await speaking.finish()
        self._end(Ending.DONE)

    async def _speak(
        self, part: asked.SynthesizeStart | asked.SynthesizeChunk | asked.SynthesizeStop
    ) -> None:
        match part:
            case asked.SynthesizeStart(voice):
                if self._speaking is not None:
                    raise InvalidEvent(
                        "The text before has no `synthesize-stop`.", code="wrong_order"
                    )
                self._begin(Work.SYNTHESIZE)
                self._speaking = self._new_speaking(voice)
            case _ if self._speaking is None:
                raise InvalidEvent(
                    "A text in pieces begins with `synthesize-start`.", code="wrong_order"
                )
            case asked.SynthesizeChunk(text):
                await self._speaking.add(text)
            case asked.SynthesizeStop():
                await self._speaking.finish()
                self._speaking = None
                await self.sender.send(SynthesizeStopped())
                self._end(Ending.DONE)

    def _new_speaking(self, voice: str) -> Speaking:
        """In the voice of that name; in the server's own when there is none such any more."""
        pipeline = self.shared.pipeline()
        pipeline = replace(pipeline, engines=pipeline.engines.speaking_as(voice))
        return Speaking(self.sender, pipeline, self.shared.settings)

    def _begin(self, work: Work) -> None:
        if self.work is not None:
            raise InvalidEvent(f"`{self.work}` is not done yet.", code="wrong_order")
        try:
            self.let_in(work)
        except AtCapacity:
            self.shared.metrics.count_wyoming(work, Ending.REFUSED)
            raise
        self.work = work
        self.idle.clear()

    def _end(self, ending: Ending) -> None:
        if self.work is not None:
            self.shared.metrics.count_wyoming(self.work, ending)
        self.work = None
        self.idle.set()

    def _stop(self, error: ParleyError | None) -> None:
        self._end(Ending.GONE if error is None else Ending.FAILED)
        if self._hearing is not None:
            self._hearing.stop()
