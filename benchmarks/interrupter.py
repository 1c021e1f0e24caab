"""A client that speaks into answers: a paced microphone, a loudspeaker, and what came when.

It sums nothing up; benchmarks/interruptions.py does.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from audio.pcm import Samples, encode_pcm16

RATE_HZ = 16_000
FRAME_SAMPLES = 320
FRAME_S = FRAME_SAMPLES / RATE_HZ
BUFFER_S = 0.1
"""What a client gathers before it plays, as the page does."""
ECHO_DELAY_S = 0.15
"""From the loudspeaker back to the server, beyond the buffer."""
WAIT_S = 90.0


@dataclass(slots=True)
class Heard:
    """One answer as it came: its sentences, its sound, and when; times are of time.monotonic()."""

    rate_hz: int
    item_id: str = ""
    status: str = ""
    """How the answer ended: completed or cancelled; what comes after it belongs to another."""
    sentences: list[str] = field(default_factory=list)
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    sound: list[bytes] = field(default_factory=list)
    events: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)

    def at(self, kind: str) -> float | None:
        """Return when the first event of that type came after the answer's first sound."""
        begun_s = self.arrivals[0][0] if self.arrivals else float("inf")
        return next(
            (at_s for at_s, event in self.events if event["type"] == kind and at_s > begun_s), None
        )

    def event(self, kind: str) -> Mapping[str, Any]:
        """Return the last event of that type; empty when there was none."""
        return next((event for _, event in reversed(self.events) if event["type"] == kind), {})

    def played_samples(self, now_s: float) -> int:
        """Return how much a client that plays what it has would have played by then."""
        dry_at_s, played = 0.0, 0.0
        for number, (at_s, samples) in enumerate(self.arrivals):
            if at_s > now_s:
                break
            begins_s = max(at_s + (BUFFER_S if number == 0 else 0.0), dry_at_s)
            dry_at_s = begins_s + samples / self.rate_hz
            played += min(samples, max(0.0, now_s - begins_s) * self.rate_hz)
        return int(played)


class Interrupter:
    """One connection. Use as `async with await Interrupter.open(url)`."""

    def __init__(self, connection: ClientConnection, session: Mapping[str, Any]) -> None:
        self._connection = connection
        self.engines: Mapping[str, str] = session["parley"]["engines"]
        self._rate_hz = int(session["audio"]["output"]["format"]["rate"])
        self.heard = Heard(self._rate_hz)
        self.echo_gain = 0.0
        self._speech: Samples = np.zeros(0, np.float32)
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, url: str) -> "Interrupter":
        """Connect, and open the microphone."""
        connection = await connect(url, compression=None, max_size=None, ping_interval=None)
        first = json.loads(await connection.recv())
        client = cls(connection, first["session"])
        client._tasks = [
            asyncio.create_task(client._talk()),
            asyncio.create_task(client._listen()),
        ]
        return client

    async def __aenter__(self) -> "Interrupter":
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send one client event."""
        await self._connection.send(json.dumps(event))

    async def ask(self, text: str) -> Heard:
        """Type a question; what comes from now on is another answer's."""
        self.heard = Heard(self._rate_hz)
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send({"type": "conversation.item.create", "item": item})
        await self.send({"type": "response.create"})
        return self.heard

    def say(self, speech: Samples) -> float:
        """Speak 16 kHz into the microphone from the next frame on; return when that is about."""
        self._speech = speech
        return self._next_frame_s

    async def wait_for(self, *kinds: str, timeout_s: float = WAIT_S) -> str:
        """Wait until this answer has had an event of one of the types; return which."""
        async with asyncio.timeout(timeout_s):
            while True:
                for _, event in self.heard.events:
                    if event["type"] in kinds:
                        return str(event["type"])
                await self._change()

    async def wait_for_sound(self, seconds: float) -> None:
        """Wait until that much of the answer was played."""
        async with asyncio.timeout(WAIT_S):
            while (left_s := seconds - self._played_s()) > 0 and not self.heard.status:
                await self._change()
                await asyncio.sleep(min(FRAME_S, left_s))

    def _played_s(self) -> float:
        return self.heard.played_samples(time.monotonic()) / self._rate_hz

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _talk(self) -> None:
        with suppress(ConnectionClosed):
            self._next_frame_s = time.monotonic()
            while True:
                await self._connection.send(self._frame())
                self._next_frame_s += FRAME_S
                await asyncio.sleep(max(0.0, self._next_frame_s - time.monotonic()))

    def _frame(self) -> bytes:
        spoken = self._speech[:FRAME_SAMPLES]
        self._speech = self._speech[FRAME_SAMPLES:]
        frame = np.pad(spoken, (0, FRAME_SAMPLES - len(spoken)))
        if self.echo_gain:
            frame = frame + self.echo_gain * self._from_loudspeaker()
        return encode_pcm16(frame.astype(np.float32))

    def _from_loudspeaker(self) -> Samples:
        sound: NDArray[np.int16] = np.frombuffer(b"".join(self.heard.sound), "<i2")
        now_s = self._next_frame_s - ECHO_DELAY_S
        first = self.heard.played_samples(now_s)
        is_playing = self.heard.played_samples(now_s + FRAME_S) > first
        if not is_playing or not len(sound):
            return np.zeros(FRAME_SAMPLES, np.float32)
        at = first + np.arange(FRAME_SAMPLES) * self._rate_hz / RATE_HZ
        return np.interp(at, np.arange(len(sound)), sound / 32768, right=0.0).astype(np.float32)

    async def _listen(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._connection:
                now_s, heard = time.monotonic(), self.heard
                if isinstance(message, bytes) and not heard.status:
                    heard.arrivals.append((now_s, len(message) // 2))
                    heard.sound.append(message)
                elif isinstance(message, str):
                    self._note(now_s, json.loads(message))
                self._changed.set()

    def _note(self, now_s: float, event: dict[str, Any]) -> None:
        self.heard.events.append((now_s, event))
        if event["type"] == "response.done" and not self.heard.status:
            self.heard.status = str(event["response"]["status"])
        elif event["type"] == "response.output_audio_transcript.delta" and not self.heard.status:
            self.heard.sentences.append(event["delta"].strip())
            self.heard.item_id = event["item_id"]
