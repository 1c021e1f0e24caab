"""openai-python's realtime client, unmodified, against /v1/realtime: only the URL is ours."""

import base64
import json
from typing import Any

import numpy as np
from openai.types.realtime import (
    RealtimeErrorEvent,
    ResponseDoneEvent,
    SessionCreatedEvent,
)

from audio.pcm import Samples, encode_pcm16
from audio.resample import resample
from tests.clients.talk import talking
from tests.llm_server import LlmServer, calls, says
from tests.server.running import RunningApp

VOICED_TURN = [
    "session.created",
    "session.updated",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
    "rate_limits.updated",
    "conversation.item.input_audio_transcription.completed",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


def first_of_each(types: list[str]) -> list[str]:
    """The types in order, each delta once and none of the transcription, which is timing."""
    timing = "conversation.item.input_audio_transcription.delta"
    deltas = ("response.output_audio_transcript.delta", "response.output_audio.delta")
    kept = [kind for kind in types if kind != timing]
    return [kind for at, kind in enumerate(kept) if kind not in deltas or kind not in kept[:at]]


def said_in(done: ResponseDoneEvent) -> str:
    """What the response's item holds."""
    output = done.response.output or []
    content: Any = output[0].model_dump()["content"]
    return str(content[0].get("transcript") or content[0].get("text") or "")


async def test_a_voiced_turn(served: RunningApp, spoken: Samples) -> None:
    """Speech in, the full order of events out, and audio at 24 kHz with its transcript."""
    async with talking(served.port, "gpt-realtime") as talk:
        assert isinstance(talk.events[0], SessionCreatedEvent)
        assert talk.events[0].session.to_dict()["model"] == "gpt-realtime"
        await talk.connection.session.update(
            session={
                "type": "realtime",
                "audio": {
                    "input": {"transcription": {"model": "gpt-4o-mini-transcribe"}},
                    "output": {"speed": 1.5},
                },
            }
        )
        await talk.until("session.updated")
        await talk.say(spoken)
        done = await talk.until("response.done")
        assert isinstance(done, ResponseDoneEvent)
        assert first_of_each(talk.types()) == VOICED_TURN
        heard = talk.all("conversation.item.input_audio_transcription.completed")[0].transcript
        assert "crossing" in heard
        assert "twenty-five minutes" in said_in(done)
        assert done.response.status == "completed"
        assert said_in(done) == "".join(
            event.delta for event in talk.all("response.output_audio_transcript.delta")
        )
        assert len(talk.sound) > 24_000
        usage = done.response.usage
        assert usage is not None
        assert usage.total_tokens
        assert not [event for event in talk.events if isinstance(event, RealtimeErrorEvent)]


async def test_a_text_turn(served: RunningApp) -> None:
    """output_modalities text for one response: deltas that join to the text that is done."""
    async with talking(served.port) as talk:
        await talk.type("What does a day ticket cost?")
        await talk.connection.response.create(response={"output_modalities": ["text"]})
        done = await talk.until("response.done")
        told = "".join(event.delta for event in talk.all("response.output_text.delta"))
        assert told == said_in(done) == talk.all("response.output_text.done")[0].text
        assert "£" in told
        assert done.response.output_modalities == ["text"]
        assert not talk.all("response.output_audio.delta")


async def test_an_interruption_with_truncate_and_retrieve(
    served: RunningApp, spoken: Samples
) -> None:
    """Speech into the answer cancels it; after truncation the item holds the words heard."""
    async with talking(served.port) as talk:
        await talk.type("When does the last boat come back on a Sunday?")
        await talk.connection.response.create()
        while len(talk.sound) < 2 * 24_000:
            await talk.until("response.output_audio.delta")
        await talk.say(spoken)
        await talk.until("input_audio_buffer.speech_started")
        done = await talk.until("response.done")
        assert done.response.status == "cancelled"
        assert done.response.status_details.reason == "turn_detected"
        item_id = done.response.output[0].id
        whole = "".join(e.delta for e in talk.all("response.output_audio_transcript.delta"))
        sent_ms = len(talk.sound) // 24
        await talk.connection.conversation.item.truncate(
            item_id=item_id, content_index=0, audio_end_ms=sent_ms // 2
        )
        truncated = await talk.until("conversation.item.truncated")
        assert truncated.audio_end_ms == sent_ms // 2
        await talk.connection.conversation.item.retrieve(item_id=item_id)
        item = (await talk.until("conversation.item.retrieved")).item
        heard = item.content[0].transcript
        assert item.id == item_id
        assert whole.startswith(heard)
        assert 0 < len(heard) < len(whole)


async def test_a_cancel(served: RunningApp) -> None:
    """The response ends as client_cancelled; the next one is answered."""
    async with talking(served.port) as talk:
        await talk.type("When does the last boat come back on a Sunday?")
        await talk.connection.response.create()
        await talk.until("response.output_audio.delta")
        await talk.connection.response.cancel()
        done = await talk.until("response.done")
        assert done.response.status == "cancelled"
        assert done.response.status_details.reason == "client_cancelled"
        before = len(talk.sound)
        await talk.type("What does a day ticket cost?")
        await talk.connection.response.create(response={"output_modalities": ["text"]})
        done = await talk.until("response.done")
        assert done.response.status == "completed"
        assert "£" in said_in(done)
        assert len(talk.sound) == before


async def test_sixteen_megabytes_in_one_event_are_told_and_the_session_goes_on(
    served: RunningApp,
) -> None:
    """Above the protocol's 15 MiB: an error that names `audio`, then an answer."""
    async with talking(served.port) as talk:
        audio = base64.b64encode(bytes(16 * 1024 * 1024)).decode()
        await talk.connection.send(
            {"type": "input_audio_buffer.append", "audio": audio, "event_id": "big"}
        )
        error = (await talk.until("error")).error
        assert (error.code, error.param, error.event_id) == ("audio_too_large", "audio", "big")
        await talk.type("What does a day ticket cost?")
        await talk.connection.response.create(response={"output_modalities": ["text"]})
        assert (await talk.until("response.done")).response.status == "completed"


async def test_a_whole_recording_in_one_append(served: RunningApp, spoken: Samples) -> None:
    """A minute of silence with a question at its end, sent at once: heard and answered."""
    async with talking(served.port) as talk:
        silence = np.zeros(60 * 16_000, np.float32)
        pcm = encode_pcm16(resample(np.concatenate([silence, spoken]), 16_000, 24_000))
        await talk.connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())
        assert (await talk.until("input_audio_buffer.speech_started")).audio_start_ms > 59_000
        await talk.until("response.output_audio.delta")


async def test_a_function_call(served_with_llm: tuple[RunningApp, LlmServer]) -> None:
    """The model asks for the client's function, is given its result, and what it says is spoken."""
    served, llm = served_with_llm
    llm.plays.extend([calls("look_up", '{"place": "harbour"}'), says("It is sunny.")])
    look_up: Any = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
    async with talking(served.port) as talk:
        await talk.connection.session.update(session={"type": "realtime", "tools": [look_up]})
        await talk.type("What is the weather at the harbour?")
        await talk.connection.response.create()
        called = await talk.until("response.function_call_arguments.done")
        assert (called.name, json.loads(called.arguments)) == ("look_up", {"place": "harbour"})
        done = await talk.until("response.done")
        assert done.response.output[0].type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": called.call_id, "output": "sunny"}
        await talk.connection.conversation.item.create(item=output)
        await talk.connection.response.create()
        done = await talk.until("response.done")
        assert said_in(done) == "It is sunny."
        assert len(talk.sound) > 12_000
    sent = llm.requests[1]["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert sent[-1]["tool_call_id"] == called.call_id
