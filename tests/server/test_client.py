"""The client of /ws beyond asking: what it waits for, and for how long."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from server.client import Conversation, NoAnswer

SESSION = {"audio": {"output": {"format": {"rate": 22_050}}}}


@asynccontextmanager
async def conversation_with(answers: Sequence[str | bytes]) -> AsyncIterator[Conversation]:
    """A server that gives those answers to the first event it gets."""

    async def handle(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"type": "session.created", "session": SESSION}))
        assert json.loads(await socket.recv()) == {"type": "input_audio_buffer.clear"}
        for answer in answers:
            await socket.send(answer)
        if not answers:
            return
        await socket.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with await Conversation.open(f"ws://127.0.0.1:{port}/ws") as conversation:
            yield conversation


async def test_clear_reads_on_to_the_word_of_the_server() -> None:
    """Over sound and events that were on their way."""
    told: list[str | bytes] = [b"\0\0", '{"type": "parley.engines"}']
    told.append('{"type": "input_audio_buffer.cleared"}')
    async with conversation_with(told) as conversation:
        await conversation.clear()


async def test_clear_does_not_wait_for_ever() -> None:
    """Other events are not the word."""
    async with conversation_with(['{"type": "parley.engines"}']) as conversation:
        with pytest.raises(TimeoutError):
            await conversation.clear(timeout_s=0.2)


async def test_clear_tells_that_the_server_hung_up() -> None:
    """It is no word either."""
    async with conversation_with([]) as conversation:
        with pytest.raises(NoAnswer):
            await conversation.clear()
