"""Server events of a response, in the order of a turn, with the OpenAI Realtime (GA) names.

One frozen dataclass each; ours are named `parley.`. It sends nothing;
server/speaking/response.py does, in the order of server/wire/orders.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.wire.server_event import ServerEvent


@dataclass(frozen=True, slots=True)
class PartEvent(ServerEvent):
    """Base of what is told of the one part of an answer; both indexes count from 0."""

    response_id: str
    item_id: str
    output_index: int = field(default=0, kw_only=True)
    content_index: int = field(default=0, kw_only=True)


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
class ContentPartAdded(PartEvent):
    """The answer's one part: spoken or written."""

    type: ClassVar[str] = "response.content_part.added"
    part: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sources(ServerEvent):
    """The passages that the answer rests on; empty when it is a refusal."""

    type: ClassVar[str] = "parley.sources"
    response_id: str
    item_id: str
    sources: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TranscriptDelta(PartEvent):
    """One sentence, just before its first audio."""

    type: ClassVar[str] = "response.output_audio_transcript.delta"
    delta: str


@dataclass(frozen=True, slots=True)
class Words(ServerEvent):
    """When the words of the sentence just told end, in milliseconds of the item's audio."""

    type: ClassVar[str] = "parley.words"
    response_id: str
    item_id: str
    ends_ms: Sequence[int]


@dataclass(frozen=True, slots=True)
class AudioDelta(PartEvent):
    """The next sound of the answer: base64 here, a binary frame on /ws."""

    type: ClassVar[str] = "response.output_audio.delta"
    delta: str


@dataclass(frozen=True, slots=True)
class TextDelta(PartEvent):
    """One sentence of an answer that is not spoken."""

    type: ClassVar[str] = "response.output_text.delta"
    delta: str


@dataclass(frozen=True, slots=True)
class AudioDone(PartEvent):
    """The last audio of the answer was sent."""

    type: ClassVar[str] = "response.output_audio.done"


@dataclass(frozen=True, slots=True)
class TranscriptDone(PartEvent):
    """The whole answer in words."""

    type: ClassVar[str] = "response.output_audio_transcript.done"
    transcript: str


@dataclass(frozen=True, slots=True)
class TextDone(PartEvent):
    """The whole answer that is not spoken."""

    type: ClassVar[str] = "response.output_text.done"
    text: str


@dataclass(frozen=True, slots=True)
class ContentPartDone(PartEvent):
    """The answer's part is complete."""

    type: ClassVar[str] = "response.content_part.done"
    part: Mapping[str, Any]


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
