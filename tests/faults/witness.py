"""A healthy client of a real server: asks by text and listens to the whole answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PATIENCE_S = 30
LONG = "tell me how to get to the lighthouse and what the tour costs"


async def opened(url: str, **options: Any) -> ClientConnection:
    """A connection whose session.created has been read."""
    connection = await connect(url, compression=None, **options)
    first = json.loads(await connection.recv())
    assert first["type"] == "session.created"
    return connection


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


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it: on a slow machine for long, never in vain for ever."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)
