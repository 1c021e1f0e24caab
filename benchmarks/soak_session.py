"""One scripted person of a soak: asks aloud or in writing, breaks in, hangs up, and comes again.

It checks no answer; it only tells how each turn ended.
"""

import asyncio
import json
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

RATE_HZ = 16_000
FRAME_SAMPLES = RATE_HZ // 10
"""Frames of 100 ms: at 20 times the pace a frame of 20 ms would be 8,000 messages a second."""
TURN_TIMEOUT_S = 60.0
BREAKS_IN, WRITES, HANGS_UP = 0.15, 0.15, 0.06
"""Shares of the turns."""
WRITTEN = "how do I get to the lighthouse"

Pcm = NDArray[np.int16]


@dataclass(slots=True)
class SoakSession:
    """Talks from `run` until the event is set; `ends` counts how its turns ended."""

    url: str
    recordings: Sequence[Pcm]
    chance: random.Random
    ends: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    async def run(self, is_over: asyncio.Event) -> None:
        """Connect again whenever the connection ended, by whose will ever."""
        while not is_over.is_set():
            try:
                connection = await connect(
                    self.url, compression=None, ping_interval=None, open_timeout=TURN_TIMEOUT_S
                )
            except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
                self.ends[f"not let in: {type(error).__name__}"] += 1
                await asyncio.sleep(1)
                continue
            self.connections += 1
            try:
                await self._talk(connection, is_over)
                await connection.close()
            except ConnectionClosed as closed:
                self.ends[f"closed {closed.rcvd.code if closed.rcvd else 1006}"] += 1

    async def _talk(self, connection: ClientConnection, is_over: asyncio.Event) -> None:
        speaker = _Speaker(connection)
        speaking = asyncio.create_task(speaker.run())
        try:
            while not is_over.is_set():
                if self.chance.random() < HANGS_UP:
                    speaker.say(self._question())
                    await _hang_up(connection, self.chance.random() < 0.5)
                    self.ends["hung up"] += 1
                    return
                await self._turn(connection, speaker)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _turn(self, connection: ClientConnection, speaker: "_Speaker") -> None:
        if self.chance.random() < WRITES:
            await _write(connection)
        else:
            speaker.say(self._question())
        breaks_in = self.chance.random() < BREAKS_IN
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                async for message in connection:
                    if isinstance(message, bytes):
                        if breaks_in:
                            speaker.say(self._question())
                        breaks_in = False
                    elif (told := json.loads(message))["type"] == "parley.turn":
                        self.ends[told["outcome"]] += 1
                        if told["outcome"] != "cancelled":
                            return
        except TimeoutError:
            self.ends["no turn"] += 1

    def _question(self) -> Pcm:
        """A recording, never twice as loud as before: no cache knows its sound."""
        recording = self.chance.choice(self.recordings)
        return (recording * self.chance.uniform(0.4, 1.0)).astype(np.int16)


class _Speaker:
    """Sends a frame every 100 ms: what there is to say, else silence."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._left: Pcm = np.zeros(0, np.int16)

    def say(self, pcm: Pcm) -> None:
        """Say it, after what is being said."""
        self._left = np.concatenate([self._left, pcm])

    async def run(self) -> None:
        """Until cancelled, or the connection ends."""
        due_s = time.monotonic()
        while True:
            frame, self._left = self._left[:FRAME_SAMPLES], self._left[FRAME_SAMPLES:]
            await self._connection.send(
                frame.astype("<i2").tobytes().ljust(2 * FRAME_SAMPLES, b"\0")
            )
            due_s = max(due_s + FRAME_SAMPLES / RATE_HZ, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))


async def _write(connection: ClientConnection) -> None:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": WRITTEN}]
    item = {"type": "message", "role": "user", "content": content}
    await connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await connection.send(json.dumps({"type": "response.create"}))


async def _hang_up(connection: ClientConnection, is_rude: bool) -> None:
    """In the middle of a question: by a reset, or by a FIN without a close frame."""
    await asyncio.sleep(1)
    # The server may have hung up in that second.
    with suppress(OSError):
        tcp = connection.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(is_rude), 0))
    connection.transport.abort()
    await connection.wait_closed()
