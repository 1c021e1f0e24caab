"""The conversation's items as a client sees them: truncated to what was heard, told on request."""

import asyncio
from typing import Any

import pytest

from audio.pcm import Samples
from server.items import ITEMS_KEPT, Answer
from tests.server.conftest import MakeStand, Stand
from tests.server.test_barge_in import speaking
from tests.server.test_session import ask


def truncation(item_id: str, milliseconds: int) -> dict[str, Any]:
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": milliseconds,
    }


def answer_id(stand: Stand) -> str:
    item_id: str = stand.wire.last("response.output_item.added")["item"]["id"]
    return item_id


async def retrieved(stand: Stand, item_id: str) -> str:
    """The transcript of an item as the server has it now."""
    count = stand.wire.types().count("conversation.item.retrieved")
    stand.messages.send({"type": "conversation.item.retrieve", "item_id": item_id})
    event = await stand.wire.wait_for("conversation.item.retrieved", count + 1)
    part = event["item"]["content"][0]
    return str(part.get("transcript", part.get("text")))


async def test_an_answer_is_cut_to_the_words_heard_by_then(make_stand: MakeStand) -> None:
    """After the answer: none of it, then its beginning; the item tells it on request."""
    stand = make_stand()
    stand.messages.send(*ask("what does a ticket cost"))
    whole = (await stand.wire.wait_for("parley.turn"))["answer"]
    item_id = answer_id(stand)
    assert await retrieved(stand, item_id) == whole
    stand.messages.send(truncation(item_id, 300))
    told = await stand.wire.wait_for("conversation.item.truncated")
    assert (told["item_id"], told["audio_end_ms"]) == (item_id, 300)
    heard = await retrieved(stand, item_id)
    assert whole.startswith(heard)
    assert 0 < len(heard.split()) < len(whole.split())
    stand.messages.send(truncation(item_id, 0))
    assert await retrieved(stand, item_id) == ""
    await stand.end()


async def test_the_sound_of_earlier_answers_is_let_go(make_stand: MakeStand) -> None:
    """Their words are kept, and can be truncated still; 64 answers would be 28 MB a session."""
    stand = make_stand()
    ids = []
    for count, question in enumerate(("what does a ticket cost", "where is the car park"), 1):
        stand.messages.send(*ask(question))
        whole = (await stand.wire.wait_for("parley.turn", count))["answer"]
        ids.append(answer_id(stand))
    earlier, last = (stand.session._items.item(each) for each in ids)
    assert isinstance(earlier, Answer)
    assert isinstance(last, Answer)
    assert (len(earlier.track._pieces), len(last.track._pieces) > 0) == (0, True)
    assert await retrieved(stand, ids[1]) == whole
    stand.messages.send(truncation(ids[0], 300))
    await stand.wire.wait_for("conversation.item.truncated")
    assert 0 < len((await retrieved(stand, ids[0])).split()) < len(whole.split())
    await stand.end()


async def test_questions_are_items_too(make_stand: MakeStand, spoken: Samples) -> None:
    """What was understood of speech, and what was typed."""
    stand = make_stand()
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn")
    item_id = stand.wire.last("input_audio_buffer.committed")["item_id"]
    assert await retrieved(stand, item_id) == "what does it cost"
    await stand.end()


@pytest.mark.parametrize("before_audio", [True, False])
async def test_truncations_that_fit_nothing_are_refused_by_name(
    make_stand: MakeStand, spoken: Samples, before_audio: bool
) -> None:
    """No such item, a question's item, more than was sent; the session goes on."""
    stand = make_stand()
    if not before_audio:
        stand.messages.send(*ask("what does a ticket cost"))
        await stand.wire.wait_for("parley.turn")
        question_id = stand.wire.last("parley.turn")["item_id"]
        stand.messages.send(truncation(question_id, 0), truncation(answer_id(stand), 3_600_000))
    stand.messages.send(truncation("item_9", 0))
    stand.messages.send({"type": "conversation.item.retrieve", "item_id": "item_9"})
    stand.messages.send({"type": "input_audio_buffer.clear"})
    await stand.wire.wait_for("input_audio_buffer.cleared")
    errors = [event["error"] for event in stand.wire.events if event["type"] == "error"]
    assert [error["code"] for error in errors[-2:]] == ["item_not_found"] * 2
    if not before_audio:
        assert [error["param"] for error in errors[:2]] == ["item_id", "audio_end_ms"]
        assert "is already shorter than 3600000ms" in errors[1]["message"]
    await stand.end()


async def test_an_answer_that_was_held_goes_on_where_the_client_stopped(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A client that drops its buffer as someone speaks gets that sound again after "uh-huh"."""
    stand = make_stand()
    stand.recognizer.text = "uh huh"
    stand.recognizer.go.clear()
    await speaking(stand)
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    await asyncio.to_thread(stand.recognizer.started.wait, 5)
    stand.messages.send(truncation(answer_id(stand), 40))
    await stand.wire.wait_for("conversation.item.truncated")
    sent_before, stand.wire.audio_bytes = stand.wire.audio_bytes, 0
    stand.recognizer.go.set()
    report = await stand.wire.wait_for("parley.turn")
    assert report["outcome"] == "answered"
    whole_ms = 10 * len(report["answer"])
    pauses_ms = 2 * 280
    resent_ms = stand.wire.audio_bytes / 2 / 8
    assert sent_before / 2 / 8 > 40
    assert resent_ms == pytest.approx(whole_ms + pauses_ms - 40, abs=300)
    await stand.end()


async def test_a_truncated_answer_that_is_then_ended_keeps_what_the_client_heard(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The client's word counts, not the server's clock."""
    stand = make_stand()
    stand.recognizer.text = "where is the car park"
    stand.recognizer.go.clear()
    await speaking(stand)
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    stand.messages.send(truncation(answer_id(stand), 0))
    await stand.wire.wait_for("conversation.item.truncated")
    stand.recognizer.go.set()
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == ""
    await stand.end()


def system(text: str, item_id: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "system", "id": item_id, "content": content}


async def test_items_are_put_where_the_client_says(make_stand: MakeStand) -> None:
    """Last, at the front ("root"), behind another; each told with the id before it."""
    stand = make_stand()
    create = {"type": "conversation.item.create"}
    stand.messages.send(
        {**create, "item": system("one", "a")},
        {**create, "item": system("two", "b")},
        {**create, "item": system("three", "c"), "previous_item_id": "root"},
        {**create, "item": system("four", "d"), "previous_item_id": "a"},
    )
    await stand.wire.wait_for("conversation.item.done", 4)
    added = [e for e in stand.wire.events if e["type"] == "conversation.item.added"]
    assert [event["previous_item_id"] for event in added] == [None, "a", None, "a"]
    assert [item.id for item in stand.session._items.all()] == ["c", "a", "d", "b"]
    await stand.end()


async def test_ids_that_do_not_fit_are_refused_by_name(make_stand: MakeStand) -> None:
    """An id that is taken, a place behind nothing, an item that was deleted already."""
    stand = make_stand()
    create = {"type": "conversation.item.create", "item": system("one", "a"), "event_id": "mine"}
    delete = {"type": "conversation.item.delete", "item_id": "a"}
    stand.messages.send(create, create, {**create, "previous_item_id": "nobody"}, delete, delete)
    stand.messages.send({**create, "item": system("one", "b"), "previous_item_id": "a"})
    await stand.wire.wait_for("error", 4)
    errors = [event["error"] for event in stand.wire.events if event["type"] == "error"]
    assert [error["param"] for error in errors] == [
        "item.id",
        "item.id",
        "item_id",
        "previous_item_id",
    ]
    assert errors[0]["event_id"] == "mine"
    assert stand.wire.last("conversation.item.deleted")["item_id"] == "a"
    assert stand.session._items.all() == ()
    await stand.end()


async def test_the_oldest_items_go_when_there_are_too_many(make_stand: MakeStand) -> None:
    """A client that makes items without end takes no more memory for it."""
    stand = make_stand()
    for number in range(ITEMS_KEPT + 3):
        item = system("text", f"item_{number}")
        stand.messages.send({"type": "conversation.item.create", "item": item})
    await stand.wire.wait_for("conversation.item.done", ITEMS_KEPT + 3)
    kept = stand.session._items.all()
    assert len(kept) == ITEMS_KEPT
    assert kept[0].id == "item_3"
    await stand.end()


async def test_ids_of_the_server_that_a_client_takes_first(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The next items get others: speech is heard and answered, and nothing is overwritten."""
    stand = make_stand()
    created = await stand.wire.wait_for("session.created")
    session_id = created["session"]["id"]
    for kind in ("item", "item_resp"):
        for number in range(12, 0, -1):
            item = ask("what does a ticket cost")[0]["item"]
            taken = {**item, "id": f"{kind}_{session_id}_{number}"}
            stand.messages.send({"type": "conversation.item.create", "item": taken})
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert report["outcome"] == "answered"
    added = [e["item"]["id"] for e in stand.wire.events if e["type"] == "conversation.item.added"]
    assert len(added) == len(set(added))
    assert "error" not in stand.wire.types()
    await stand.end()
