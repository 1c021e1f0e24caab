"""A Wyoming client as Home Assistant is one: the package's own, with a bound on every read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable

from audio.pcm import Samples, encode_pcm16
from server.door.doorkeeper import Doorkeeper
from server.surroundings import Surroundings
from server.wyoming.listening import Switchboard, listening

READ_TIMEOUT_S = 20
RATE_HZ = 16_000
CHUNK_SAMPLES = 1024


class Line(AsyncTcpClient):
    """One call."""

    async def say(self, *events: Eventable) -> None:
        for event in events:
            await self.write_event(event.event())

    async def write(self, raw: bytes) -> None:
        """Send bytes that may be no event."""
        assert self._writer is not None
        self._writer.write(raw)
        await self._writer.drain()

    async def heard_until(self, *types: str) -> list[Event]:
        """Everything that comes, up to the first event of one of the types."""
        events: list[Event] = []
        async with asyncio.timeout(READ_TIMEOUT_S):
            while not events or events[-1].type not in types:
                event = await self.read_event()
                assert event is not None, [each.type for each in events]
                events.append(event)
        return events

    async def error(self) -> Error:
        """The error that ends the call: nothing comes behind it."""
        error = Error.from_event((await self.heard_until("error"))[-1])
        async with asyncio.timeout(READ_TIMEOUT_S):
            assert await self.read_event() is None
        return error

    async def transcript(self) -> str:
        return Transcript.from_event((await self.heard_until("transcript"))[-1]).text


@asynccontextmanager
async def called(port: int) -> AsyncIterator[Line]:
    line = Line("127.0.0.1", port)
    await line.connect()
    try:
        yield line
    finally:
        with suppress(OSError):
            await line.disconnect()


@asynccontextmanager
async def open_board(
    shared: Surroundings,
    admit: Callable[[], None] = lambda: None,
    door: Doorkeeper | None = None,
) -> AsyncIterator[Switchboard]:
    async with listening(shared, admit, door or Doorkeeper(), "127.0.0.1", 0) as board:
        yield board


def chunks(samples: Samples, rate_hz: int = RATE_HZ) -> list[Eventable]:
    """Mono PCM16 in pieces of 64 ms, without start and stop."""
    return [
        AudioChunk(rate_hz, 2, 1, encode_pcm16(samples[start : start + CHUNK_SAMPLES]))
        for start in range(0, len(samples), CHUNK_SAMPLES)
    ]


def recording(samples: Samples, rate_hz: int = RATE_HZ) -> list[Eventable]:
    """A whole request to transcribe."""
    start = AudioStart(rate_hz, 2, 1)
    return [Transcribe(language="en"), start, *chunks(samples, rate_hz), AudioStop()]
