"""Server messages, sans-I/O: one frozen dataclass each, with the OpenAI Realtime (GA) names.

Ours are named `parley.`. It sends nothing; server/session.py does.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """Base of all; the fields of a subclass are the fields on the wire."""

    type: ClassVar[str]


@dataclass(frozen=True, slots=True)
class SessionCreated(ServerEvent):
    """First event of every session."""

    type: ClassVar[str] = "session.created"
    session: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SessionUpdated(ServerEvent):
    """Answer to session.update: the whole session as it now is."""

    type: ClassVar[str] = "session.updated"
    session: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EnginesChanged(ServerEvent):
    """Other engines run from the next turn on, or what is said of them changed."""

    type: ClassVar[str] = "parley.engines"
    engines: Mapping[str, str]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class SpeechStarted(ServerEvent):
    """Someone speaks; `audio_start_ms` counts the session's audio and includes the pre-roll."""

    type: ClassVar[str] = "input_audio_buffer.speech_started"
    audio_start_ms: int
    item_id: str


@dataclass(frozen=True, slots=True)
class SpeechStopped(ServerEvent):
    """The utterance ended at `audio_end_ms` of the session's audio."""

    type: ClassVar[str] = "input_audio_buffer.speech_stopped"
    audio_end_ms: int
    item_id: str


@dataclass(frozen=True, slots=True)
class AudioCommitted(ServerEvent):
    """The utterance became the user's item."""

    type: ClassVar[str] = "input_audio_buffer.committed"
    item_id: str
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class TimeoutTriggered(ServerEvent):
    """Nobody spoke for `idle_timeout_ms`; what was heard since became an item."""

    type: ClassVar[str] = "input_audio_buffer.timeout_triggered"
    audio_start_ms: int
    audio_end_ms: int
    item_id: str


@dataclass(frozen=True, slots=True)
class AudioCleared(ServerEvent):
    """What was heard is forgotten."""

    type: ClassVar[str] = "input_audio_buffer.cleared"


@dataclass(frozen=True, slots=True)
class OutputCleared(ServerEvent):
    """No more sound of the answer comes, as the client asked."""

    type: ClassVar[str] = "output_audio_buffer.cleared"
    response_id: str


@dataclass(frozen=True, slots=True)
class ItemAdded(ServerEvent):
    """An item stands in the conversation."""

    type: ClassVar[str] = "conversation.item.added"
    item: Mapping[str, Any]
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemDone(ServerEvent):
    """An item is complete."""

    type: ClassVar[str] = "conversation.item.done"
    item: Mapping[str, Any]
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemTruncated(ServerEvent):
    """An answer was cut at what was heard."""

    type: ClassVar[str] = "conversation.item.truncated"
    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDeleted(ServerEvent):
    """An item was taken out of the conversation."""

    type: ClassVar[str] = "conversation.item.deleted"
    item_id: str


@dataclass(frozen=True, slots=True)
class ItemRetrieved(ServerEvent):
    """An item as it is now: an answer that was cut holds the words that were heard."""

    type: ClassVar[str] = "conversation.item.retrieved"
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TranscriptionDelta(ServerEvent):
    """More words of an utterance that still goes on; `completed` replaces them all."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.delta"
    item_id: str
    delta: str
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptionCompleted(ServerEvent):
    """What was understood of the user's item."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.completed"
    item_id: str
    transcript: str
    usage: Mapping[str, Any] = field(default_factory=lambda: {"type": "duration", "seconds": 0.0})
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptionFailed(ServerEvent):
    """The recogniser failed on the user's item."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.failed"
    item_id: str
    error: Mapping[str, Any]
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class ResponseCreated(ServerEvent):
    """An answer begins."""

    type: ClassVar[str] = "response.created"
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RateLimits(ServerEvent):
    """What may still be asked for; nothing is counted here, so the list is empty."""

    type: ClassVar[str] = "rate_limits.updated"
    rate_limits: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class OutputItemAdded(ServerEvent):
    """The answer's item."""

    type: ClassVar[str] = "response.output_item.added"
    response_id: str
    item: Mapping[str, Any]
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class ContentPartAdded(ServerEvent):
    """The answer's one part: spoken or written."""

    type: ClassVar[str] = "response.content_part.added"
    response_id: str
    item_id: str
    part: Mapping[str, Any]
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class Sources(ServerEvent):
    """The passages that the answer rests on; empty when it is a refusal."""

    type: ClassVar[str] = "parley.sources"
    response_id: str
    item_id: str
    sources: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TranscriptDelta(ServerEvent):
    """One sentence, just before its first audio."""

    type: ClassVar[str] = "response.output_audio_transcript.delta"
    response_id: str
    item_id: str
    delta: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class Words(ServerEvent):
    """When the words of the sentence just told end, in milliseconds of the item's audio."""

    type: ClassVar[str] = "parley.words"
    response_id: str
    item_id: str
    ends_ms: Sequence[int]


@dataclass(frozen=True, slots=True)
class TextDelta(ServerEvent):
    """One sentence of an answer that is not spoken."""

    type: ClassVar[str] = "response.output_text.delta"
    response_id: str
    item_id: str
    delta: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class TextDone(ServerEvent):
    """The whole answer that is not spoken."""

    type: ClassVar[str] = "response.output_text.done"
    response_id: str
    item_id: str
    text: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class AudioDelta(ServerEvent):
    """The next sound of the answer: base64 here, a binary frame on /ws."""

    type: ClassVar[str] = "response.output_audio.delta"
    response_id: str
    item_id: str
    delta: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class ArgumentsDelta(ServerEvent):
    """More of what a function is to be called with."""

    type: ClassVar[str] = "response.function_call_arguments.delta"
    response_id: str
    item_id: str
    call_id: str
    delta: str
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class ArgumentsDone(ServerEvent):
    """All that a function is to be called with."""

    type: ClassVar[str] = "response.function_call_arguments.done"
    response_id: str
    item_id: str
    call_id: str
    name: str
    arguments: str
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class AudioDone(ServerEvent):
    """The last audio of the answer was sent."""

    type: ClassVar[str] = "response.output_audio.done"
    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptDone(ServerEvent):
    """The whole answer in words."""

    type: ClassVar[str] = "response.output_audio_transcript.done"
    response_id: str
    item_id: str
    transcript: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class ContentPartDone(ServerEvent):
    """The answer's part is complete."""

    type: ClassVar[str] = "response.content_part.done"
    response_id: str
    item_id: str
    part: Mapping[str, Any]
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class OutputItemDone(ServerEvent):
    """The answer's item is complete."""

    type: ClassVar[str] = "response.output_item.done"
    response_id: str
    item: Mapping[str, Any]
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class ResponseDone(ServerEvent):
    """The answer ended; on status `cancelled` a client drops what it has not played."""

    type: ClassVar[str] = "response.done"
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TurnReport(ServerEvent):
    """Last event of a turn: its outcome and where its milliseconds went."""

    type: ClassVar[str] = "parley.turn"
    response_id: str | None
    item_id: str
    outcome: str
    transcript: str
    answer: str
    segments: Mapping[str, float]
    voice_to_voice_ms: float | None
    engines: Mapping[str, str]
    cache: Mapping[str, str]
    endpoint: Mapping[str, str | int]
    speculation: str
    degraded: Sequence[str] = ()
    """What was given up under load (server/governor.py)."""


@dataclass(frozen=True, slots=True)
class ErrorEvent(ServerEvent):
    """Something went wrong; the session goes on unless a close follows."""

    type: ClassVar[str] = "error"
    error: Mapping[str, Any]


def encode(event: ServerEvent, event_id: str) -> str:
    """Return the JSON text of an event."""
    return as_json(fields_of(event, event_id))


def fields_of(event: ServerEvent, event_id: str) -> dict[str, Any]:
    """Return the event as it is on the wire."""
    return {"type": event.type, "event_id": event_id} | asdict(event)


def as_json(told: Mapping[str, Any]) -> str:
    """Half a surrogate pair becomes a question mark, as it does in what clients send: no UTF-8
    carries it, and clients differ in what they make of its escape.
    """
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace").decode()
