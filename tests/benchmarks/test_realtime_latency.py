"""What /v1/realtime adds: when the promise counts as broken, and what is not overlooked."""

import json

import pytest
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.realtime_latency import is_kept, summarise
from benchmarks.stock_client import StockClient


def test_turns_are_compared_in_pairs() -> None:
    """Not the two paths' own means alone."""
    figures = summarise([100.0, 200.0, 300.0], [104.0, 206.0, 305.0])
    assert figures["added_mean_ms"] == 5.0
    assert figures["added_ms"]["p50"] == 5.0
    assert is_kept(figures)


def test_more_than_was_promised_is_told() -> None:
    """On average."""
    assert not is_kept(summarise([100.0, 100.0, 100.0], [105.0, 105.0, 125.0]))


def test_one_slow_turn_of_the_own_path_hides_nothing() -> None:
    """The mean is below zero, and half of the turns took 20 ms more."""
    figures = summarise([100.0, 100.0, 500.0], [120.0, 120.0, 300.0])
    assert figures["added_mean_ms"] < 0
    assert not is_kept(figures)


async def test_an_error_ends_the_wait_for_another_event() -> None:
    """It would else be read over until the time is up."""
    error = {"type": "error", "error": {"code": "no_question", "message": "There is none."}}

    async def refuse(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"type": "session.created"}))
        await socket.send(json.dumps(error))
        await socket.wait_closed()

    async with serve(refuse, "127.0.0.1", 0) as server:
        client = await StockClient.open(next(iter(server.sockets)).getsockname()[1])
        with pytest.raises(RuntimeError, match="no_question: There is none"):
            await client.until("response.done")
        await client.close()
