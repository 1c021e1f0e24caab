"""/v1/realtime with fakes: the order of events in every kind of turn, and who interrupts whom."""

import asyncio
import base64
from typing import Any

import numpy as np
import pytest

from audio.g711 import decode_mu_law
from audio.pcm import Samples, encode_pcm16
from audio.resample import resample
from models.llm import Finish, FinishReason, LlmFault, ToolCall
from server.turn import Turn
from server.wire.dialect import STOCK_PATH, Dialect
from tests.fake_chat import FakeChat, Played, fault, text
from tests.orders import check_orders
from tests.sdk_types import check_types
from tests.server.conftest import MakeStand, Stand
from tests.server.test_session import ask

STOCK = Dialect(STOCK_PATH, tells_ours=False)
TRANSCRIBED = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}
SEMANTIC = {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}
MANUAL = {"audio": {"input": {"turn_detection": None}}}


@pytest.fixture(scope="session")
def at_24_khz(spoken: Samples) -> Samples:
    return resample(spoken, 16_000, 24_000)


def append(samples: Samples) -> list[dict[str, Any]]:
    pieces = [samples[at : at + 1200] for at in range(0, len(samples), 1200)]
    coded = [base64.b64encode(encode_pcm16(piece)).decode() for piece in pieces]
    return [{"type": "input_audio_buffer.append", "audio": audio} for audio in coded]


def update(session: dict[str, Any]) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


async def finish(stand: Stand) -> None:
    await stand.end()
    check_orders(stand.wire.events, is_stock=True)
    check_types(stand.wire.events)
    assert not [kind for kind in stand.wire.types() if kind.startswith("parley.")]


async def speaking(stand: Stand) -> None:
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("response.output_audio.delta")


def once_each(types: list[str]) -> list[str]:
    return [kind for at, kind in enumerate(types) if kind not in types[:at]]


async def test_a_typed_question_is_answered_as_text(make_stand: MakeStand) -> None:
    """output_modalities text: no sound, and the item holds an output_text."""
    stand = make_stand(STOCK)
    stand.messages.send(update({"output_modalities": ["text"]}))
    stand.messages.send(*ask("what does a ticket cost"))
    done = await stand.wire.wait_for("response.done")
    assert once_each(stand.wire.types()) == [
        "session.created",
        "session.updated",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    part = done["response"]["output"][0]["content"][0]
    assert part["type"] == "output_text"
    assert part["text"] == stand.wire.last("response.output_text.done")["text"]
    assert stand.synthesizer.sentences == []
    assert done["response"]["usage"]["output_token_details"]["audio_tokens"] == 0
    await finish(stand)


async def test_server_vad_interrupts_at_the_onset(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """speech_started, then all of the response's ends, cancelled by turn_detected."""
    stand = make_stand(STOCK)
    await speaking(stand)
    stand.recognizer.text = "uh huh"
    stand.messages.send(*append(at_24_khz))
    done = await stand.wire.wait_for("response.done")
    types = stand.wire.types()
    begins = types.index("input_audio_buffer.speech_started")
    ends = types.index("response.done")
    told = [kind for kind in types[begins : ends + 1] if not kind.endswith(".delta")]
    assert told == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    response = done["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    await stand.wire.wait_for("response.done", 2)
    await finish(stand)
    assert not [kind for kind in stand.wire.types() if "transcription" in kind]


async def test_semantic_vad_tells_nothing_of_uh_huh(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """The answer stands still, goes on, and ends as if nobody had spoken."""
    stand = make_stand(STOCK)
    stand.messages.send(update(SEMANTIC))
    await speaking(stand)
    stand.recognizer.text = "uh huh"
    stand.messages.send(*append(at_24_khz))
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status"] == "completed"
    assert not [kind for kind in stand.wire.types() if kind.startswith("input_audio_buffer")]
    await finish(stand)


async def test_semantic_vad_tells_a_question_as_it_began(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """Once it is known to be one: speech_started before the answer's end, with its true time."""
    stand = make_stand(STOCK)
    stand.messages.send(update(SEMANTIC))
    await speaking(stand)
    stand.recognizer.text = "where is the car park"
    stand.messages.send(*append(at_24_khz))
    await stand.wire.wait_for("response.done", 2, timeout_s=20)
    types = stand.wire.types()
    assert types.index("input_audio_buffer.speech_started") < types.index("response.done")
    assert types.index("response.done") < types.index("input_audio_buffer.committed")
    started, stopped = (
        stand.wire.last(f"input_audio_buffer.speech_{kind}") for kind in ("started", "stopped")
    )
    assert started["audio_start_ms"] < 1500
    assert stopped["audio_end_ms"] > started["audio_start_ms"] + 1000
    statuses = [
        event["response"]["status"]
        for event in stand.wire.events
        if event["type"] == "response.done"
    ]
    assert statuses == ["cancelled", "completed"]
    await finish(stand)


async def test_semantic_vad_tells_an_order_to_stop_as_speech_and_forgets_it(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """speech_started has clients drop what they have; the answer ends, and none follows."""
    stand = make_stand(STOCK)
    stand.messages.send(update(SEMANTIC))
    await speaking(stand)
    stand.recognizer.text = "hold on"
    stand.messages.send(*append(at_24_khz))
    await stand.wire.wait_for("input_audio_buffer.cleared")
    await finish(stand)
    types = stand.wire.types()
    ends = ("input_audio_buffer.speech_started", "response.done", "input_audio_buffer.cleared")
    assert [kind for kind in types if kind in ends] == list(ends)
    details = stand.wire.last("response.done")["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "turn_detected"}


async def test_server_vad_ends_the_answer_for_stop_and_says_nothing_instead(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """There the order is an item and gets a response, as the protocol has it, without output."""
    stand = make_stand(STOCK)
    await speaking(stand)
    stand.recognizer.text = "stop"
    stand.messages.send(*append(at_24_khz))
    done = await stand.wire.wait_for("response.done", 2, timeout_s=20)
    assert (done["response"]["status"], done["response"]["output"]) == ("cancelled", [])
    await finish(stand)


async def test_nothing_interrupts_when_the_client_says_so(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """interrupt_response false: what is said into the answer becomes an item, unanswered."""
    stand = make_stand(STOCK)
    detection = {"type": "server_vad", "interrupt_response": False}
    stand.messages.send(update({"audio": {"input": {"turn_detection": detection}}}))
    stand.synthesizer.character_ms = 120
    await speaking(stand)
    stand.messages.send(*append(at_24_khz))
    await stand.wire.wait_for("input_audio_buffer.committed")
    stand.messages.send({"type": "response.cancel"})
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status_details"]["reason"] == "client_cancelled"
    assert stand.wire.types().count("response.created") == 1
    await finish(stand)


async def test_a_commit_is_answered_when_the_client_asks(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """turn_detection null: an item and its transcript; then response.create, heard once."""
    stand = make_stand(STOCK)
    stand.messages.send(update({"audio": {"input": {**TRANSCRIBED["audio"]["input"]}}}))
    stand.messages.send(update(MANUAL))
    stand.recognizer.go.clear()
    stand.messages.send(*append(at_24_khz), {"type": "input_audio_buffer.commit"})
    stand.messages.send({"type": "response.create"})
    await stand.wire.wait_for("response.created")
    stand.recognizer.go.set()
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status"] == "completed"
    assert done["response"]["output"][0]["content"][0]["transcript"]
    assert len(stand.recognizer.heard) == 1
    types = stand.wire.types()
    assert "input_audio_buffer.speech_started" not in types
    assert types.count("conversation.item.input_audio_transcription.completed") == 1
    await finish(stand)


async def test_without_create_response_speech_waits_to_be_asked_about(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """The last thing said is the question of the next response.create."""
    stand = make_stand(STOCK)
    detection = {"type": "server_vad", "create_response": False}
    heard = {"turn_detection": detection, "transcription": {}}
    stand.messages.send(update({"audio": {"input": heard}}))
    stand.messages.send(*append(at_24_khz))
    await stand.wire.wait_for("conversation.item.input_audio_transcription.completed")
    assert "response.created" not in stand.wire.types()
    stand.messages.send({"type": "response.create"})
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"]
    await finish(stand)


async def test_a_question_that_goes_on_takes_its_first_item_back(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """The response is cancelled, the item deleted, and the next item holds both parts."""
    stand = make_stand(STOCK)
    stand.recognizer.go.clear()
    stand.messages.send(*append(at_24_khz))
    await stand.wire.wait_for("response.created")
    first = stand.wire.last("input_audio_buffer.committed")["item_id"]
    stand.messages.send(*append(at_24_khz))
    await stand.wire.wait_for("input_audio_buffer.committed", 2)
    stand.recognizer.go.set()
    await stand.wire.wait_for("response.done", 2)
    assert stand.wire.last("conversation.item.deleted")["item_id"] == first
    assert stand.recognizer.heard[-1] > 1.7 * stand.recognizer.heard[0]
    await finish(stand)


async def test_nothing_understood_is_a_response_without_output(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """Who waits for a response gets one; the transcript is empty."""
    stand = make_stand(STOCK)
    stand.messages.send(update(TRANSCRIBED))
    stand.recognizer.text = ""
    stand.messages.send(*append(at_24_khz))
    done = await stand.wire.wait_for("response.done")
    assert (done["response"]["status"], done["response"]["output"]) == ("completed", [])
    completed = stand.wire.last("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == ""
    await finish(stand)


async def test_a_failed_stage_fails_the_response_by_name(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """Recognition, then the voice: `failed` with the error, the transcription's failure told."""
    stand = make_stand(STOCK)
    stand.messages.send(update(TRANSCRIBED))
    stand.recognizer.error = RuntimeError("secret")
    stand.messages.send(*append(at_24_khz))
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status"] == "failed"
    assert done["response"]["status_details"]["error"]["code"] == "stage_failed"
    failed = stand.wire.last("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "stage_failed"
    stand.recognizer.error, stand.synthesizer.error = None, ValueError("no")
    stand.messages.send(*ask("what does a ticket cost"))
    done = await stand.wire.wait_for("response.done", 2)
    assert done["response"]["status"] == "failed"
    assert done["response"]["output"][0]["status"] == "incomplete"
    await finish(stand)


async def test_out_of_band_responses_stay_outside_of_the_conversation(
    make_stand: MakeStand,
) -> None:
    """Beside a running answer, from their own input, with their metadata."""
    stand = make_stand(STOCK)
    await speaking(stand)
    question = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "where is the car park"}],
    }
    aside = {
        "conversation": "none",
        "input": [question],
        "output_modalities": ["text"],
        "metadata": {"purpose": "side"},
    }
    stand.messages.send({"type": "response.create", "response": aside})
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["metadata"] == {"purpose": "side"}
    assert done["response"]["conversation_id"] is None
    item_id = done["response"]["output"][0]["id"]
    added = [e["item"]["id"] for e in stand.wire.events if e["type"] == "conversation.item.added"]
    assert item_id not in added
    stand.messages.send({"type": "conversation.item.retrieve", "item_id": item_id})
    assert (await stand.wire.wait_for("error"))["error"]["code"] == "item_not_found"
    second = await stand.wire.wait_for("response.done", 2)
    assert second["response"]["status"] == "completed"
    await finish(stand)


async def test_a_response_beside_the_conversation_is_cancelled_by_its_id(
    make_stand: MakeStand,
) -> None:
    """It alone ends; the answer in the conversation goes on to its end."""
    stand = make_stand(STOCK)
    await speaking(stand)
    stand.synthesizer.go.clear()
    content = [{"type": "input_text", "text": "where is the car park"}]
    question = {"type": "message", "role": "user", "content": content}
    aside = {"conversation": "none", "input": [question]}
    stand.messages.send({"type": "response.create", "response": aside})
    response_id = (await stand.wire.wait_for("response.created", 2))["response"]["id"]
    stand.messages.send({"type": "response.cancel", "response_id": response_id})
    done = (await stand.wire.wait_for("response.done"))["response"]
    assert (done["id"], done["status"]) == (response_id, "cancelled")
    stand.synthesizer.go.set()
    done = (await stand.wire.wait_for("response.done", 2))["response"]
    assert (done["id"] != response_id, done["status"]) == (True, "completed")
    await finish(stand)


async def test_a_response_beside_the_conversation_that_breaks_ends_itself_alone(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is told; the session answers on."""

    async def broken(turn: Turn) -> None:
        raise RuntimeError("unforeseen")

    stand = make_stand(STOCK)
    with monkeypatch.context() as patch:
        patch.setattr(Turn, "run", broken)
        content = [{"type": "input_text", "text": "where is the car park"}]
        question = {"type": "message", "role": "user", "content": content}
        aside = {"conversation": "none", "input": [question]}
        stand.messages.send({"type": "response.create", "response": aside})
        assert "RuntimeError" in (await stand.wire.wait_for("error"))["error"]["message"]
    stand.messages.send(*ask("what does a ticket cost"))
    assert (await stand.wire.wait_for("response.done"))["response"]["status"] == "completed"
    await finish(stand)


async def test_too_much_speech_in_an_item_names_where_it_is(make_stand: MakeStand) -> None:
    """In a new item, or in the input of a response; the session goes on."""
    stand = make_stand(STOCK)
    audio = base64.b64encode(bytes(31 * 48_000)).decode()
    content = [{"type": "input_audio", "audio": audio}]
    item = {"type": "message", "role": "user", "content": content}
    stand.messages.send({"type": "conversation.item.create", "item": item})
    assert (await stand.wire.wait_for("error"))["error"]["param"] == "item.content"
    stand.messages.send({"type": "response.create", "response": {"input": [item]}})
    assert (await stand.wire.wait_for("error", 2))["error"]["param"] == "response.input"
    await speaking(stand)
    await finish(stand)


async def test_a_second_response_is_refused_while_one_is_given(make_stand: MakeStand) -> None:
    """The protocol's own code; the answer goes on."""
    stand = make_stand(STOCK)
    await speaking(stand)
    stand.messages.send({"type": "response.create", "event_id": "mine"})
    error = (await stand.wire.wait_for("error"))["error"]
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "mine"
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status"] == "completed"
    await finish(stand)


async def test_cancel_names_a_response_or_means_the_one_that_is_given(
    make_stand: MakeStand,
) -> None:
    """Another id is refused by `response_id`; the right one ends it as client_cancelled."""
    stand = make_stand(STOCK)
    await speaking(stand)
    stand.messages.send({"type": "response.cancel", "response_id": "resp_of_nobody"})
    error = (await stand.wire.wait_for("error"))["error"]
    assert (error["code"], error["param"]) == ("response_cancel_not_active", "response_id")
    response_id = stand.wire.last("response.created")["response"]["id"]
    stand.messages.send({"type": "response.cancel", "response_id": response_id})
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status_details"]["reason"] == "client_cancelled"
    await finish(stand)


async def test_a_limit_of_tokens_makes_the_answer_incomplete(make_stand: MakeStand) -> None:
    """Whole words within it, and the reason."""
    stand = make_stand(STOCK)
    wish = {"max_output_tokens": 4, "output_modalities": ["text"]}
    stand.messages.send(ask("what does a ticket cost")[0])
    stand.messages.send({"type": "response.create", "response": wish})
    response = (await stand.wire.wait_for("response.done"))["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"]["reason"] == "max_output_tokens"
    said = response["output"][0]["content"][0]["text"]
    assert 0 < len(said) <= 16
    assert response["usage"]["output_tokens"] <= 4
    await finish(stand)


async def test_g711_is_heard_and_spoken(make_stand: MakeStand, spoken: Samples) -> None:
    """mu-law both ways at 8 kHz, told in session.updated."""
    stand = make_stand(STOCK)
    form = {"format": {"type": "audio/pcmu"}}
    stand.messages.send(update({"audio": {"input": form, "output": form}}))
    told = (await stand.wire.wait_for("session.updated"))["session"]["audio"]
    assert told["input"]["format"] == told["output"]["format"] == {"type": "audio/pcmu"}
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("response.done")
    coded = b"".join(
        base64.b64decode(event["delta"])
        for event in stand.wire.events
        if event["type"] == "response.output_audio.delta"
    )
    sound = decode_mu_law(coded).astype(np.float64)
    assert 7000 < np.abs(sound).max() < 9000
    await finish(stand)


async def test_a_beta_client_is_told_the_betas_names(make_stand: MakeStand) -> None:
    """OpenAI-Beta: realtime=v1: flat session, old event names, old names of parts."""
    stand = make_stand(Dialect(STOCK_PATH, is_beta=True, tells_ours=False))
    flat = {"modalities": ["text", "audio"], "input_audio_format": "g711_ulaw", "voice": "alloy"}
    stand.messages.send({"type": "session.update", "session": flat})
    told = (await stand.wire.wait_for("session.updated"))["session"]
    assert told["input_audio_format"] == "g711_ulaw"
    assert told["modalities"] == ["audio", "text"]
    stand.messages.send(*ask("what does a ticket cost"))
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["output"][0]["content"][0]["type"] == "audio"
    types = set(stand.wire.types())
    assert {"response.audio.delta", "response.audio_transcript.done"} <= types
    assert "conversation.item.created" in types
    assert not {kind for kind in types if "output_audio" in kind or kind.endswith("item.added")} - {
        "response.output_item.added"
    }
    await stand.end()


async def test_a_beta_client_asks_for_a_response_by_the_betas_names(
    make_stand: MakeStand,
) -> None:
    """The response's own flat fields, as in the session: text beside the conversation, cut."""
    stand = make_stand(Dialect(STOCK_PATH, is_beta=True, tells_ours=False))
    create, respond = ask("what does a ticket cost")
    wish = {"conversation": "none", "modalities": ["text"], "max_response_output_tokens": 1}
    stand.messages.send(create, {**respond, "response": {**wish, "input": [create["item"]]}})
    response = (await stand.wire.wait_for("response.done"))["response"]
    assert response["modalities"] == ["text"]
    assert response["status"] == "incomplete"
    assert response["output"][0]["content"][0]["type"] == "text"
    assert stand.synthesizer.sentences == []
    stand.messages.send({**respond, "response": {"output_audio_format": "mp3"}})
    error = (await stand.wire.wait_for("error"))["error"]
    assert error["param"] == "response.output_audio_format"
    await stand.end()


async def test_output_audio_buffer_clear_ends_the_answers_sound(make_stand: MakeStand) -> None:
    """The response is cancelled, and that it is silent is told."""
    stand = make_stand(STOCK)
    await speaking(stand)
    stand.messages.send({"type": "output_audio_buffer.clear"})
    cleared = await stand.wire.wait_for("output_audio_buffer.cleared")
    done = stand.wire.last("response.done")
    assert cleared["response_id"] == done["response"]["id"]
    assert done["response"]["status"] == "cancelled"
    await finish(stand)


async def test_a_transcription_session_answers_nothing(
    make_stand: MakeStand, at_24_khz: Samples
) -> None:
    """intent=transcription: utterances are transcribed; an answer is refused."""
    stand = make_stand(Dialect(STOCK_PATH, is_transcription=True, tells_ours=False))
    created = await stand.wire.wait_for("session.created")
    assert created["session"]["type"] == "transcription"
    stand.messages.send(*append(at_24_khz))
    event = await stand.wire.wait_for("conversation.item.input_audio_transcription.completed")
    assert event["transcript"] == "what does it cost"
    stand.messages.send({"type": "response.create"})
    assert (await stand.wire.wait_for("error"))["error"]["code"] == "unsupported"
    assert "response.created" not in stand.wire.types()
    await asyncio.sleep(0)
    await finish(stand)


async def test_wishes_without_effect_are_told_again_and_told_to_be_that(
    make_stand: MakeStand,
) -> None:
    """truncation, tracing, reasoning: as they came, and their paths."""
    stand = make_stand(STOCK)
    ratio = {"type": "retention_ratio", "retention_ratio": 0.8}
    wishes = {"truncation": ratio, "tracing": "auto", "reasoning": {"effort": "low"}}
    transcription = {"model": "whisper-1", "language": "fr", "keywords": ["boat"]}
    noise = {"type": "near_field", "strength": 0.5}
    heard = {"transcription": transcription, "noise_reduction": noise}
    stand.messages.send(update({**wishes, "audio": {"input": heard}}))
    told = (await stand.wire.wait_for("session.updated"))["session"]
    assert {name: told[name] for name in wishes} == wishes
    assert {name: told["audio"]["input"][name] for name in heard} == heard
    in_vain = [f"session.{name}" for name in wishes]
    in_vain += [
        f"session.audio.input.{name}"
        for name in ("noise_reduction", "transcription.keywords", "transcription.language")
    ]
    assert sorted(told["parley"]["without_effect"]) == sorted(in_vain)
    await finish(stand)


async def test_silence_after_an_answer_is_told_once(make_stand: MakeStand) -> None:
    """idle_timeout_ms: timeout_triggered, an empty item, and a response that says nothing."""
    stand = make_stand(STOCK)
    detection = {"type": "server_vad", "idle_timeout_ms": 1000}
    stand.messages.send(update({"audio": {"input": {"turn_detection": detection}}}))
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("response.done")
    stand.messages.send(*append(np.zeros(3 * 24_000, np.float32)))
    triggered = await stand.wire.wait_for("input_audio_buffer.timeout_triggered")
    assert triggered["audio_end_ms"] - triggered["audio_start_ms"] >= 1000
    done = await stand.wire.wait_for("response.done", 2)
    assert done["response"]["output"] == []
    committed = stand.wire.last("input_audio_buffer.committed")
    assert committed["item_id"] == triggered["item_id"]
    await finish(stand)
    assert stand.wire.types().count("input_audio_buffer.timeout_triggered") == 1


WEATHER = {"type": "function", "name": "look_up", "description": "Looks.", "parameters": {}}
CALL: Played = [
    ToolCall("call_1", "look_up", '{"place": "harbour"}'),
    Finish(FinishReason.TOOL_CALLS),
]


async def test_a_function_is_called_and_its_result_is_said(make_stand: MakeStand) -> None:
    """A function turn, then the turn that answers from what the function gave."""
    chat = FakeChat(CALL, text("It is sunny."))
    stand = make_stand(STOCK, [chat])
    stand.messages.send(update({"tools": [WEATHER]}))
    updated = await stand.wire.wait_for("session.updated")
    assert updated["session"]["parley"]["without_effect"] == []
    stand.messages.send(*ask("what is the weather"))
    done = await stand.wire.wait_for("response.done")
    begins = stand.wire.types().index("response.created")
    assert stand.wire.types()[begins:] == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    call = done["response"]["output"][0]
    assert (call["type"], call["name"], call["call_id"]) == ("function_call", "look_up", "call_1")
    assert call["arguments"] == '{"place": "harbour"}'
    output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    stand.messages.send({"type": "conversation.item.create", "item": output})
    stand.messages.send({"type": "response.create"})
    done = await stand.wire.wait_for("response.done", 2)
    assert done["response"]["output"][0]["content"][0]["transcript"] == "It is sunny."
    assert stand.synthesizer.sentences == ["It is sunny."]
    assert [message.text for message in chat.requests[1].messages][1:] == [
        "what is the weather",
        "",
        "sunny",
    ]
    await finish(stand)


async def test_functions_are_called_one_at_a_time_where_the_client_says_so(
    make_stand: MakeStand,
) -> None:
    """parallel_tool_calls false: one call in the response, and the session tells the wish again."""
    stand = make_stand(STOCK, [FakeChat([CALL[0], *CALL])])
    stand.messages.send(update({"tools": [WEATHER], "parallel_tool_calls": False}))
    updated = await stand.wire.wait_for("session.updated")
    assert updated["session"]["parallel_tool_calls"] is False
    assert updated["session"]["parley"]["without_effect"] == []
    stand.messages.send(*ask("what is the weather"))
    done = await stand.wire.wait_for("response.done")
    assert [item["type"] for item in done["response"]["output"]] == ["function_call"]
    await finish(stand)


async def test_no_function_fits_so_the_documents_answer(make_stand: MakeStand) -> None:
    """The model that may call sees no passage, and its words are not said."""
    chat = FakeChat(text("DOCUMENTS"), text("It costs twelve euros [P1]."))
    stand = make_stand(STOCK, [chat])
    stand.messages.send(update({"tools": [WEATHER]}))
    stand.messages.send(*ask("what does a day ticket cost"))
    done = await stand.wire.wait_for("response.done")
    assert "DOCUMENTS" not in done["response"]["output"][0]["content"][0]["transcript"]
    assert chat.requests[0].tools
    assert "<passages>" not in chat.requests[0].messages[-1].text
    assert not chat.requests[1].tools
    await finish(stand)


async def test_a_model_that_fails_is_told_and_the_documents_answer(make_stand: MakeStand) -> None:
    """llm_unavailable, then the quoted answer."""
    chat = FakeChat(usual=[fault(LlmFault.REFUSED)])
    stand = make_stand(STOCK, [chat])
    stand.messages.send(update({"tools": [WEATHER]}))
    stand.messages.send(*ask("what does a day ticket cost"))
    assert (await stand.wire.wait_for("error"))["error"]["code"] == "llm_unavailable"
    done = await stand.wire.wait_for("response.done")
    assert "twelve euros" in done["response"]["output"][0]["content"][0]["transcript"]
    await finish(stand)


async def test_without_a_language_model_tools_are_said_to_have_no_effect(
    make_stand: MakeStand,
) -> None:
    """Accepted, told again, and named in parley.without_effect: nothing is silent."""
    stand = make_stand(STOCK)
    stand.messages.send(update({"tools": [WEATHER], "instructions": "Be brief."}))
    session = (await stand.wire.wait_for("session.updated"))["session"]
    assert session["tools"][0]["name"] == "look_up"
    assert session["parley"]["without_effect"] == ["session.instructions", "session.tools"]
    stand.messages.send(*ask("what does a day ticket cost"))
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["output"][0]["type"] == "message"
    await finish(stand)
