"""Server events of the session, of what is heard and of items, with the OpenAI Realtime (GA) names.

One frozen dataclass each; ours are named `parley.`. It sends nothing; server/session.py does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.wire.server_event import ServerEvent


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
class ErrorEvent(ServerEvent):
    """Something went wrong; the session goes on unless a close follows."""

    type: ClassVar[str] = "error"
    error: Mapping[str, Any]


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
