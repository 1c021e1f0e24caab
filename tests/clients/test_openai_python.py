"""openai-python's realtime client, unmodified, against /v1/realtime: only the URL is ours."""

from typing import Any

from openai.types.realtime import (
    RealtimeErrorEvent,
    ResponseDoneEvent,
    SessionCreatedEvent,
)

from audio.pcm import Samples
from tests.clients.talk import talking
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
                "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
            }
        )
        await talk.until("session.updated")
        await talk.say(spoken)
        done = await talk.until("response.done")
        assert isinstance(done, ResponseDoneEvent)
        assert first_of_each(talk.types()) == VOICED_TURN
        heard = talk.all("conversation.item.input_audio_transcription.completed")[0].transcript
        assert heard
        assert done.response.status == "completed"
        assert said_in(done) == "".join(
            event.delta for event in talk.all("response.output_audio_transcript.delta")
        )
        assert len(talk.sound) > 24_000
        usage = done.response.usage
        assert usage is not None
        assert usage.total_tokens
        assert not [event for event in talk.events if isinstance(event, RealtimeErrorEvent)]
