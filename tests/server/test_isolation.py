"""Two sessions of one server: neither reaches what is the other's."""

import asyncio
from typing import Any

import pytest

from benchmarks.stock_client import StockClient
from tests.clients.conftest import prepared_data_dir, served, spoken
from tests.server.running import RunningApp

__all__ = ["prepared_data_dir", "served", "spoken"]

SECRET = "item_of_the_first"
WORDS = "My locker has the number four hundred and seven."


async def first_with_an_item(served: RunningApp) -> StockClient:
    """A session in whose conversation something private stands."""
    client = await StockClient.open(served.port)
    content = [{"type": "input_text", "text": WORDS}]
    item = {"id": SECRET, "type": "message", "role": "user", "content": content}
    await client.send({"type": "conversation.item.create", "item": item})
    await client.until("conversation.item.done")
    return client


async def a_reader(served: RunningApp) -> StockClient:
    """A session that is answered in writing: nobody has to listen to the end."""
    client = await StockClient.open(served.port)
    session = {"type": "realtime", "output_modalities": ["text"]}
    await client.send({"type": "session.update", "session": session})
    await client.until("session.updated")
    return client


async def error_for(client: StockClient, event: dict[str, Any]) -> str:
    """Return how the server refuses it."""
    await client.send(event)
    with pytest.raises(RuntimeError) as refused:
        await client.until("never")
    return str(refused.value)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "conversation.item.retrieve", "item_id": SECRET},
        {"type": "conversation.item.delete", "item_id": SECRET},
        {
            "type": "conversation.item.truncate",
            "item_id": SECRET,
            "content_index": 0,
            "audio_end_ms": 0,
        },
    ],
    ids=lambda event: str(event["type"]),
)
async def test_an_item_of_another_session_does_not_exist(
    served: RunningApp, event: dict[str, Any]
) -> None:
    """Whoever knows its id learns nothing of it and changes nothing."""
    first, second = await first_with_an_item(served), await StockClient.open(served.port)
    told = await error_for(second, event)
    assert "item_not_found" in told
    assert WORDS not in told
    await first.send({"type": "conversation.item.retrieve", "item_id": SECRET})
    kept = await first.until("conversation.item.retrieved")
    assert kept["item"]["content"][0]["text"] == WORDS
    await asyncio.gather(first.close(), second.close())


async def test_an_answer_of_another_session_is_not_cancelled(served: RunningApp) -> None:
    """It goes on until its own client cancels it."""
    first, second = [await StockClient.open(served.port) for _ in range(2)]
    await first.ask("What does the car park cost?")
    response_id = (await first.until("response.created"))["response"]["id"]
    told = await error_for(second, {"type": "response.cancel", "response_id": response_id})
    assert "response_cancel_not_active" in told
    await first.send({"type": "response.cancel", "response_id": response_id})
    assert (await first.until("response.done"))["response"]["status"] == "cancelled"
    await asyncio.gather(first.close(), second.close())


async def test_what_one_person_asked_is_no_subject_for_another(served: RunningApp) -> None:
    """Though both share the caches: the same words then find what they find alone."""
    alone, first, second = [await a_reader(served) for _ in range(3)]
    by_itself = await answer_to(alone, "And how much is it?")
    await answer_to(first, "What does the car park cost?")
    leaning = await answer_to(first, "And how much is it?")
    assert await answer_to(second, "And how much is it?") == by_itself
    assert leaning != by_itself
    await asyncio.gather(*(client.close() for client in (alone, first, second)))


async def answer_to(client: StockClient, question: str) -> str:
    """Return the answer's words."""
    await client.ask(question)
    done = await client.until("response.done")
    return str(done["response"]["output"][0]["content"][0]["text"])
