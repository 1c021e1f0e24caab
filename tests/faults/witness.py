"""A healthy client of a real server: asks by text and listens to the whole answer."""

import asyncio
import itertools
import json
import socket
import statistics
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from audio.pcm import Samples
from benchmarks.regression import WITNESS
from tests.faults.figures import Figure
from tests.server.conftest import frames

PATIENCE_S = 30
ASKED_AT_LEAST = 7
"""By a witness, however short the fault is."""
TICKETS = itertools.count()
"""Of the whole process: a server of several tests keeps the answers it has given."""
LONG = "tell me how to get to the lighthouse and what the tour costs"


async def opened(url: str, **options: Any) -> ClientConnection:
    """A connection whose session.created has been read."""
    return (await opened_as(url, **options))[0]


async def opened_as(url: str, **options: Any) -> tuple[ClientConnection, str]:
    """The same, and the session's id."""
    connection = await connect(url, compression=None, **options)
    first = json.loads(await connection.recv())
    assert first["type"] == "session.created"
    return connection, first["session"]["id"]


async def ask(connection: ClientConnection, text: str = LONG) -> None:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    await connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await connection.send(json.dumps({"type": "response.create"}))


async def listen(connection: ClientConnection) -> dict[str, Any]:
    """Read to the end of the turn; return its report."""
    async for message in connection:
        event = json.loads(message) if isinstance(message, str) else {"type": "audio"}
        if event["type"] == "parley.turn":
            return dict(event)
    raise AssertionError("the witness lost its connection")


async def is_served(url: str, text: str = LONG, **options: Any) -> bool:
    """Whether somebody else gets an answer at this moment, to its end."""
    connection = await opened(url, **options)
    try:
        await ask(connection, text)
        return bool((await listen(connection))["outcome"] in ("answered", "refused"))
    finally:
        await connection.close()


@asynccontextmanager
async def witnessed(url: str, figure: Figure, **options: Any) -> AsyncIterator[None]:
    """Let somebody else ask on and on while the block runs, and be answered every time.

    How much longer they wait for the first sound than before the block is a figure of the row.
    """
    async with await opened(url, **options) as connection:
        quiet_ms = [await _first_sound_ms(connection) for _ in range(1 + ASKED_AT_LEAST)]
        is_over = asyncio.Event()

        async def ask_on() -> list[float]:
            waits_ms: list[float] = []
            while len(waits_ms) < ASKED_AT_LEAST or not is_over.is_set():
                waits_ms.append(await _first_sound_ms(connection))
            return waits_ms

        async with asyncio.TaskGroup() as group:
            asking = group.create_task(ask_on())
            yield
            is_over.set()
    # The first question warms what the others find warm.
    times = statistics.median(asking.result()) / statistics.median(quiet_ms[1:])
    figure(WITNESS, times, "times as long as when all is quiet")


async def _first_sound_ms(connection: ClientConnection) -> float:
    """Ask what nobody has asked, wait for the first sound, then stop the answer."""
    asked_at_s = time.monotonic()
    await ask(connection, f"what does ticket number {next(TICKETS)} cost")
    waited_ms = None
    async with asyncio.timeout(PATIENCE_S):
        async for message in connection:
            if isinstance(message, bytes) and waited_ms is None:
                waited_ms = (time.monotonic() - asked_at_s) * 1000
                await connection.send(json.dumps({"type": "response.cancel"}))
            elif isinstance(message, str) and json.loads(message)["type"] == "parley.turn":
                assert waited_ms is not None, "the witness was not answered"
                return waited_ms
    raise AssertionError("the witness lost its connection")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it: on a slow machine for long, never in vain for ever."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def speak(connection: ClientConnection, samples: Samples) -> None:
    """Send speech at 16 kHz at once, in frames of 20 ms."""
    for frame in frames(samples):
        await connection.send(frame)


async def hear(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """Read up to the next event of that type."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await connection.recv()
            if isinstance(message, str) and (event := json.loads(message))["type"] == kind:
                return dict(event)


def hang_up(connection: ClientConnection, *, rudely: bool = False) -> None:
    """End the TCP connection without a word: by a FIN, or by a reset as a killed client's is."""
    if rudely:
        tcp = connection.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort() if rudely else connection.transport.close()
