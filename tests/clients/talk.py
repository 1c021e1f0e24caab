"""What a program that uses openai-python does: sends, and reads events until one of a type."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from audio.pcm import Samples, decode_pcm16, encode_pcm16
from audio.resample import resample
from tests.sdk_types import check_types

PATIENCE_S = 60
RATE_HZ = 24_000
PIECE_SAMPLES = RATE_HZ // 20


@dataclass(slots=True)
class Talk:
    """One connection and all the events that were read from it, as the SDK's own types."""

    connection: AsyncRealtimeConnection
    events: list[Any] = field(default_factory=list)

    async def until(self, kind: str) -> Any:
        """Read on until an event of that type; return it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = await self.connection.recv()
                self.events.append(event)
                if event.type == kind:
                    return event

    async def say(self, samples: Samples) -> None:
        """Append speech of 16 kHz, in pieces of 50 ms, as fast as it goes."""
        at_24_khz = resample(samples, 16_000, RATE_HZ)
        for start in range(0, len(at_24_khz), PIECE_SAMPLES):
            pcm = encode_pcm16(at_24_khz[start : start + PIECE_SAMPLES])
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

    async def type(self, text: str) -> None:
        """Make a typed question an item."""
        content: Any = [{"type": "input_text", "text": text}]
        await self.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )

    def types(self) -> list[str]:
        """The types read so far, repeated deltas once."""
        told = [event.type for event in self.events]
        return [kind for kind, before in zip(told, ["", *told], strict=False) if kind != before]

    def all(self, kind: str) -> list[Any]:
        """All events of a type."""
        return [event for event in self.events if event.type == kind]

    @property
    def sound(self) -> Samples:
        """The answer's audio so far."""
        coded = [base64.b64decode(event.delta) for event in self.all("response.output_audio.delta")]
        return decode_pcm16(b"".join(coded))


@asynccontextmanager
async def talking(
    port: int, model: str = "gpt-realtime", query: dict[str, str] | None = None
) -> AsyncIterator[Talk]:
    """Connect as the SDK's documentation says, with another base_url and nothing else."""
    url = f"http://127.0.0.1:{port}/v1"
    async with (
        AsyncOpenAI(api_key="any", base_url=url) as client,
        client.realtime.connect(model=model, extra_query=query or {}) as connection,
    ):
        talk = Talk(connection)
        await talk.until("session.created")
        yield talk
        check_types(event.to_dict() for event in talk.events)
