"""The client of /ws beyond asking: what it waits for, and for how long."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
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


async def test_an_answer_that_is_cut_is_cancelled_at_its_first_sound() -> None:
    """And its report ends the asking, which passes over cancelled turns otherwise."""
    got: list[str] = []

    async def handle(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"type": "session.created", "session": SESSION}))
        await socket.recv()
        await socket.send(json.dumps({"type": "parley.turn", "outcome": "cancelled"}))
        await socket.send(b"\0\0")
        async for message in socket:
            if isinstance(message, str):
                got.append(json.loads(message)["type"])
                await socket.send(json.dumps({"type": "parley.turn", "outcome": "cancelled"}))

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with await Conversation.open(f"ws://127.0.0.1:{port}/ws") as conversation:
            reply = await conversation.ask(np.zeros(320, np.float32), 16_000, is_cut=True)
    assert got == ["response.cancel"]
    assert [event["type"] for event in reply.events] == ["parley.turn"] * 2
