"""Answers in a language model's words, through a whole session; the model plays what it is told."""

import asyncio
from typing import Any

import numpy as np
import pytest

from audio.pcm import Samples
from models.llm import Finish, FinishReason, LlmFault, TextDelta, ToolCall
from rag.answer import REFUSAL
from rag.chunk import Passage
from rag.store import DocumentRecord, Store
from server.governor import Step
from tests.fake_chat import HANGS, WAITS, FakeChat, Played, fault, text
from tests.fakes import FakeEmbedder
from tests.server.conftest import MakeStand, Stand

TICKET, CHILDREN = "A day ticket costs twelve euros.", "Children under six travel free."
ANSWER = text("A day ticket costs twelve ", "euros. [P1] Children under six travel ", "free. [P1]")
DOWN = [fault(LlmFault.UNREACHABLE)]


async def ask(
    stand: Stand, words: str = "what does a day ticket cost", turn: int = 1
) -> dict[str, Any]:
    content = [{"type": "input_text", "text": words}]
    item = {"type": "message", "role": "user", "content": content}
    stand.messages.send({"type": "conversation.item.create", "item": item})
    stand.messages.send({"type": "response.create"})
    return await stand.wire.wait_for("parley.turn", turn)


def by(stand: Stand) -> dict[str, int]:
    return {str(name): count for name, count in stand.shared.metrics.llm.answers.items()}


def stages_run(stand: Stand) -> dict[str, object]:
    found = stand.shared.metrics.summary()["stages"]
    assert isinstance(found, dict)
    return found


async def test_the_model_answers_and_its_citations_are_the_sources(make_stand: MakeStand) -> None:
    """Spoken without them; the passage is named with the sentences that it supports."""
    stand = make_stand(chats=[chat := FakeChat(ANSWER)], lead_ms=5000)
    report = await ask(stand)
    assert report["answer"] == f"{TICKET} {CHILDREN}"
    assert report["engines"]["answer"] == "fake model"
    (source,) = stand.wire.last("parley.sources")["sources"]
    assert (source["heading"], source["sentence"]) == ("Tickets", f"{TICKET} {CHILDREN}")
    assert "twelve euros" in source["passage"]
    assert by(stand) == {"model": 1}
    (request,) = chat.requests
    assert "twelve euros" in request.messages[-1].text
    assert not request.tools
    await stand.end()


async def test_the_first_sentence_is_spoken_while_the_rest_is_made(make_stand: MakeStand) -> None:
    """Nobody waits for the end of an answer; and a cancel ends the model's work."""
    chat = FakeChat([TextDelta(f"{TICKET} [P1] Chil"), HANGS])
    stand = make_stand(chats=[chat], lead_ms=5000)
    content = [{"type": "input_text", "text": "what does a day ticket cost"}]
    item = {"type": "message", "role": "user", "content": content}
    stand.messages.send({"type": "conversation.item.create", "item": item})
    stand.messages.send({"type": "response.create"})
    told = await stand.wire.wait_for("response.output_audio_transcript.delta")
    assert told["delta"] == TICKET
    assert chat.open == 1
    stand.messages.send({"type": "response.cancel"})
    report = await stand.wire.wait_for("parley.turn")
    assert report["outcome"] == "cancelled"
    answers = stand.shared.engine_room.current.answers
    assert answers is not None
    await answers.stop()
    assert chat.open == 0
    await stand.end()


async def test_what_the_documents_do_not_say_is_refused(make_stand: MakeStand) -> None:
    """By the model's word, alone or with marks; nothing else of it is spoken."""
    chats = [FakeChat(text("NOT_", "FOUND"), text("`NOT_FOUND`. I think it is five.", " Yes."))]
    stand = make_stand(chats=chats, lead_ms=5000)
    for turn in (1, 2):
        report = await ask(stand, turn=turn)
        assert (report["outcome"], report["answer"]) == ("refused", REFUSAL)
        stand.shared.engine_room.current.answers.kept.memory.clear()  # type: ignore[union-attr]
    await stand.end()


@pytest.mark.parametrize(
    ("played", "first"),
    [
        (DOWN, ""),
        ([fault(LlmFault.SERVER_ERROR)], ""),
        ([Finish(FinishReason.STOP)], ""),
        ([TextDelta("[P1]"), Finish(FinishReason.STOP)], ""),
        ([ToolCall("c", "delete_all", "{}"), Finish(FinishReason.TOOL_CALLS)], ""),
        ([TextDelta(f"{TICKET} [P1] Chil"), fault(LlmFault.CUT)], f"{TICKET} "),
    ],
    ids=["away", "failing", "silent", "only a mark", "only a tool", "breaks off"],
)
async def test_the_documents_are_quoted_when_the_model_fails(
    make_stand: MakeStand, played: Played, first: str
) -> None:
    """Said by an error and the report; whole sentences that were heard stay, half ones do not."""
    stand = make_stand(chats=[FakeChat(usual=played)], lead_ms=5000)
    report = await ask(stand)
    quoted = "According to Prices, a day ticket costs twelve euros."
    assert report["outcome"] == "answered"
    assert report["answer"] == first + quoted
    error = stand.wire.last("error")["error"]
    assert (error["code"], error["type"]) == ("llm_unavailable", "server_error")
    assert stand.wire.types().count("error") == 1
    assert stand.wire.last("parley.sources")["sources"][0]["heading"] == "Tickets"
    if not first:
        assert report["engines"]["answer"] == "extractive"
        assert by(stand) == {"unavailable": 1}
    await stand.end()


async def test_the_next_turn_waits_for_nobody(make_stand: MakeStand) -> None:
    """A model that failed is left alone: quoted at once, and said again."""
    stand = make_stand(chats=[chat := FakeChat(usual=DOWN)], lead_ms=5000)
    await ask(stand)
    tries = len(chat.requests)
    report = await ask(stand, turn=2)
    assert len(chat.requests) == tries == 4
    assert report["outcome"] == "answered"
    assert stand.wire.types().count("error") == 2
    assert "is away" in stand.shared.engine_room.current.names()["answer"]
    await stand.end()


async def test_a_whole_answer_is_kept(make_stand: MakeStand) -> None:
    """Asked again, in whatever conversation, no call is made; words and sources are the same."""
    chat = FakeChat(ANSWER)
    first = make_stand(chats=[chat], lead_ms=5000)
    report = await ask(first)
    sources = first.wire.last("parley.sources")["sources"]
    again = await ask(first, "What does a day ticket cost, please?", 2)
    assert len(chat.requests) == 1
    assert again["answer"] == report["answer"]
    assert again["cache"]["answer"] == "hit"
    assert first.wire.last("parley.sources")["sources"] == sources
    assert by(first) == {"model": 1, "cache": 1}
    await first.end()


async def test_no_answer_outlives_a_change_of_the_documents(
    make_stand: MakeStand, store: Store
) -> None:
    """Though the same passages are found: a document came and went."""
    stand = make_stand(chats=[chat := FakeChat(usual=ANSWER)], lead_ms=5000)
    await ask(stand)
    record = DocumentRecord("/other.md", "/", "other.md", "Other", "hash")
    vector = FakeEmbedder().embed(["Cows moo."])
    store.replace_document(record, [Passage("Other", (), 0, ("Cows moo.",))], vector)
    store.remove_documents(["/other.md"])
    await ask(stand, turn=2)
    assert len(chat.requests) == 2
    assert chat.requests[0] == chat.requests[1]
    await stand.end()


@pytest.mark.parametrize(
    "played",
    [
        [TextDelta(f"{TICKET} [P1] Chil"), fault(LlmFault.CUT)],
        [TextDelta(TICKET), Finish(FinishReason.LENGTH)],
    ],
    ids=["broken off", "cut by its limit"],
)
async def test_no_part_of_an_answer_is_kept(make_stand: MakeStand, played: Played) -> None:
    """The next one who asks gets a whole one."""
    stand = make_stand(chats=[FakeChat(played, ANSWER)], lead_ms=5000, llm_retries=0)
    report = await ask(stand)
    stand.messages.send({"type": "conversation.item.delete", "item_id": report["item_id"]})
    assert (await ask(stand, turn=2))["answer"] == f"{TICKET} {CHILDREN}"
    await stand.end()


async def test_no_answer_of_the_second_endpoint_is_kept(make_stand: MakeStand) -> None:
    """The first would have answered otherwise."""
    second = FakeChat(usual=ANSWER, name="other model")
    stand = make_stand(chats=[FakeChat(usual=DOWN), second], lead_ms=5000)
    report = await ask(stand)
    assert report["engines"]["answer"] == "other model"
    assert len(stand.shared.engine_room.current.answers.kept.memory.values()) == 0  # type: ignore[union-attr]
    await stand.end()


async def test_a_guess_and_its_turn_make_one_call(make_stand: MakeStand, spoken: Samples) -> None:
    """Asked at the pause, for the words are surely a whole question; read on by the turn."""
    chat = FakeChat(usual=[WAITS, *ANSWER])
    stand = make_stand(chats=[chat], partials=False)
    stand.recognizer.text = "what does a day ticket cost"
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.committed")
    async with asyncio.timeout(10):
        while stand.session._ahead._task is not None:
            await asyncio.sleep(0.002)
    chat.go.set()
    report = await stand.wire.wait_for("parley.turn")
    assert report["answer"] == f"{TICKET} {CHILDREN}"
    assert report["speculation"] == "used"
    assert len(chat.requests) == 1
    assert sum(by(stand).values()) == 1
    await stand.end()


@pytest.mark.parametrize(
    ("words", "is_asked_ahead"),
    [("what does a day ticket cost and", True), ("what does a day ticket cost", False)],
)
async def test_no_call_is_spent_on_words_that_may_go_on(
    make_stand: MakeStand, spoken: Samples, words: str, is_asked_ahead: bool
) -> None:
    """Nor where asking ahead is switched off: at the pause nothing is asked, at the end once."""
    chat = FakeChat(usual=ANSWER)
    stand = make_stand(chats=[chat], llm_ahead=is_asked_ahead, partials=False)
    stand.recognizer.text = words
    loud = np.flatnonzero(np.abs(spoken) > 0.02)
    stand.say(spoken[: int(loud[-1])])
    stand.say(np.zeros(16_000 // 5, np.float32))
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    async with asyncio.timeout(10):
        while "answer" not in stages_run(stand):
            await asyncio.sleep(0.002)
    assert not chat.requests
    stand.say(np.zeros(32_000, np.float32))
    await stand.wire.wait_for("parley.turn")
    assert len(chat.requests) == 1
    await stand.end()


async def test_no_model_is_asked_under_load(make_stand: MakeStand) -> None:
    """The governor's step, told in the report."""
    stand = make_stand(chats=[chat := FakeChat(usual=ANSWER)], lead_ms=5000)
    stand.shared.governor.steps = (Step.QUOTED_ANSWERS,)
    report = await ask(stand)
    assert not chat.requests
    assert report["degraded"] == ["quoted_answers"]
    assert report["engines"]["answer"] == "extractive"
    assert "error" not in stand.wire.types()
    assert by(stand) == {"degraded": 1}
    await stand.end()


async def test_the_conversation_is_told_as_it_was_heard(make_stand: MakeStand) -> None:
    """Questions and answers before this one, without marks; of a truncated answer the words."""
    stand = make_stand(chats=[chat := FakeChat(usual=ANSWER)], lead_ms=5000)
    await ask(stand)
    item_id = stand.wire.last("parley.sources")["item_id"]
    stand.messages.send(
        {"type": "conversation.item.truncate", "item_id": item_id, "audio_end_ms": 200}
        | {"content_index": 0}
    )
    heard = await stand.wire.wait_for("conversation.item.truncated")
    assert heard
    await ask(stand, "and for children", 2)
    _, question, answer, _ = chat.requests[1].messages
    assert question.text == "what does a day ticket cost"
    assert 0 < len(answer.text) < len(TICKET)
    assert TICKET.startswith(answer.text)
    await stand.end()


async def test_the_length_of_what_is_spoken_is_bounded(make_stand: MakeStand) -> None:
    """However much the model says; it is not read any further."""
    endless: Played = [
        *(TextDelta(f"Sentence {number} is here. ") for number in range(2000)),
        HANGS,
    ]
    stand = make_stand(
        chats=[chat := FakeChat(usual=endless)], lead_ms=5000, answer_maximum_characters=100
    )
    report = await ask(stand)
    assert 50 < len(report["answer"]) <= 100
    assert report["answer"].endswith("is here.")
    assert chat.open == 0
    assert "error" not in stand.wire.types()
    await stand.end()


async def test_what_is_not_cited_has_a_passage_that_supports_no_sentence(
    make_stand: MakeStand,
) -> None:
    """Small models cite nothing, and some cite what they were not given."""
    stand = make_stand(chats=[FakeChat(text(f"{TICKET} [P77]"))], lead_ms=5000)
    await ask(stand)
    (source,) = stand.wire.last("parley.sources")["sources"]
    assert source["sentence"] == ""
    await stand.end()
