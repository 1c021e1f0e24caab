"""Server messages, sans-I/O: one frozen dataclass each, with the OpenAI Realtime (GA) names.

Ours are named `parley.`. It sends nothing; server/session.py does.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Detection:
    """`turn_detection` as the session applies it."""

    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    type: str = "server_vad"


@dataclass(frozen=True, slots=True)
class SessionShape:
    """What `session.created` and `session.updated` tell."""

    id: str
    input_rate_hz: int
    output_rate_hz: int
    voice: str
    speed: float
    detection: Detection | None
    parley: Mapping[str, Any]

    def wire(self) -> dict[str, Any]:
        """Return the `session` object of the wire."""
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": "parley",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": self.input_rate_hz},
                    "turn_detection": None if self.detection is None else asdict(self.detection),
                },
                "output": {
                    "format": {"type": "audio/pcm", "rate": self.output_rate_hz},
                    "voice": self.voice,
                    "speed": self.speed,
                },
            },
            "parley": dict(self.parley),
        }


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
class AudioCleared(ServerEvent):
    """What was heard is forgotten."""

    type: ClassVar[str] = "input_audio_buffer.cleared"


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
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class ResponseCreated(ServerEvent):
    """An answer begins."""

    type: ClassVar[str] = "response.created"
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OutputItemAdded(ServerEvent):
    """The answer's item."""

    type: ClassVar[str] = "response.output_item.added"
    response_id: str
    item: Mapping[str, Any]
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class ContentPartAdded(ServerEvent):
    """The answer's audio part."""

    type: ClassVar[str] = "response.content_part.added"
    response_id: str
    item_id: str
    part: Mapping[str, Any] = field(default_factory=lambda: {"type": "audio", "transcript": ""})
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
    """The answer's audio part is complete."""

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
    return json.dumps({"type": event.type, "event_id": event_id} | asdict(event))
