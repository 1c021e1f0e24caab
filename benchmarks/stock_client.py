"""A client of /v1/realtime as the benchmarks use it: plain JSON and base64. It sums nothing up."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect

RATE_HZ = 24_000
WAIT_S = 90.0


@dataclass(slots=True)
class StockClient:
    """One connection, and what came by it with the time of each event (time.monotonic())."""

    socket: ClientConnection
    events: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)

    @classmethod
    async def open(cls, port: int, query: str = "") -> "StockClient":
        """Connect and read session.created."""
        url = f"ws://127.0.0.1:{port}/v1/realtime?model=any{query}"
        client = cls(await connect(url, compression=None, max_size=None))
        await client.until("session.created")
        return client

    async def close(self) -> None:
        """Say goodbye."""
        await self.socket.close()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send one client event."""
        await self.socket.send(json.dumps(event))

    async def append(self, pcm: bytes) -> None:
        """Send the next sound, PCM16 at 24 kHz."""
        audio = base64.b64encode(pcm).decode()
        await self.send({"type": "input_audio_buffer.append", "audio": audio})

    async def ask(self, text: str) -> None:
        """Type a question and have it answered."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send({"type": "conversation.item.create", "item": item})
        await self.send({"type": "response.create"})

    async def until(self, kind: str) -> Mapping[str, Any]:
        """Read on until an event of that type.

        Raises TimeoutError when none comes, and RuntimeError when an error is told instead.
        """
        async with asyncio.timeout(WAIT_S):
            while True:
                event: Mapping[str, Any] = json.loads(await self.socket.recv())
                self.events.append((time.monotonic(), event))
                if event["type"] == kind:
                    return event
                if event["type"] == "error":
                    raise RuntimeError(f"{event['error']['code']}: {event['error']['message']}")


def sound_of(event: Mapping[str, Any]) -> NDArray[np.int16]:
    """Return the samples of a response.output_audio.delta."""
    return np.frombuffer(base64.b64decode(event["delta"]), "<i2")
