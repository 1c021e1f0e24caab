"""Client messages, sans-I/O: text in, one frozen dataclass or InvalidEvent out, nothing else.

It does not act on them; server/session.py does.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Never

from rag.filter import Filter
from server.errors import InvalidEvent
from server.wire.narrowing import parse_narrowing


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """`session.update`: fields that are None stay as they are."""

    silence_ms: int | None = None
    prefix_ms: int | None = None
    threshold: float | None = None
    has_turn_detection: bool | None = None
    is_semantic: bool | None = None
    """True for semantic_vad (the wait depends on the words), False for server_vad (it is fixed)."""
    input_rate_hz: int | None = None
    speed: float | None = None
    narrowing: Filter | None = None
    """What answers may come from; EVERYTHING takes an earlier filter back."""


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """`input_audio_buffer.append`: PCM16 in base64, as a binary frame without it."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class CommitAudio:
    """`input_audio_buffer.commit`: the utterance ends here."""


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """`input_audio_buffer.clear`: what was heard and not committed is forgotten."""


@dataclass(frozen=True, slots=True)
class CreateItem:
    """`conversation.item.create` with a typed user message."""

    text: str


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """`response.create`: answer the last typed message."""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """`response.cancel`: stop the answer."""


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """`conversation.item.truncate`: the person heard only this much of an answer."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    """`conversation.item.retrieve`: tell an item as it is now."""

    item_id: str


ClientEvent = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | CreateItem
    | CreateResponse
    | CancelResponse
    | TruncateItem
    | RetrieveItem
)

MAXIMUM_QUESTION_CHARACTERS = 2000
INPUT_RATES_HZ = (8_000, 96_000)


def parse_client_event(text: str) -> ClientEvent:
    """Parse one text message. Raises InvalidEvent naming the field, and nothing else."""
    message = _parse_json(text)
    event_id = message.get("event_id")
    event_id = event_id if isinstance(event_id, str) else None
    kind = message.get("type")
    if not isinstance(kind, str):
        raise InvalidEvent("An event needs a string `type`.", "type", event_id, "missing_type")
    parser = _PARSERS.get(kind)
    if parser is None:
        known = ", ".join(_PARSERS)
        raise InvalidEvent(
            f"{kind[:80]!r} is not supported. Supported: {known}.",
            "type",
            event_id,
            "unknown_event",
        )
    try:
        return parser(message)
    except InvalidEvent as error:
        error.event_id = event_id
        raise


def _parse_json(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise InvalidEvent("The JSON is nested too deeply.", code="invalid_json") from None
    except ValueError as error:
        raise InvalidEvent(f"This is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(message, dict):
        raise InvalidEvent("An event is a JSON object.", code="invalid_json")
    return message


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = {name for name, _ in pairs}
    if len(names) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return dict(pairs)


def _object(parent: Mapping[str, Any], name: str, path: str) -> dict[str, Any]:
    value = parent.get(name, {})
    if not isinstance(value, dict):
        raise InvalidEvent(f"`{path}` must be an object.", path)
    return value


def _number(
    parent: Mapping[str, Any], name: str, path: str, low: float, high: float
) -> float | None:
    value = parent.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidEvent(f"`{path}` must be a number from {low:g} to {high:g}.", path)
    return float(value)


def _whole(parent: Mapping[str, Any], name: str, path: str, low: int, high: int) -> int | None:
    value = _number(parent, name, path, low, high)
    return None if value is None else int(value)


def _string(parent: Mapping[str, Any], name: str, path: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str):
        raise InvalidEvent(f"`{path}` must be a string.", path)
    return value


def _parse_update(message: Mapping[str, Any]) -> UpdateSession:
    session = _object(message, "session", "session")
    audio = _object(session, "audio", "session.audio")
    heard = _object(audio, "input", "session.audio.input")
    spoken = _object(audio, "output", "session.audio.output")
    ours = _object(session, "parley", "session.parley")
    path = "session.audio.input.turn_detection"
    detection = (
        {} if heard.get("turn_detection") is None else _object(heard, "turn_detection", path)
    )
    form = _object(heard, "format", "session.audio.input.format")
    return UpdateSession(
        silence_ms=_whole(
            detection, "silence_duration_ms", f"{path}.silence_duration_ms", 100, 5000
        ),
        prefix_ms=_whole(detection, "prefix_padding_ms", f"{path}.prefix_padding_ms", 0, 2000),
        threshold=_number(detection, "threshold", f"{path}.threshold", 0.05, 0.99),
        has_turn_detection=_detection_wish(heard, path),
        is_semantic=detection.get("type", "server_vad") == "semantic_vad" if detection else None,
        input_rate_hz=_whole(form, "rate", "session.audio.input.format.rate", *INPUT_RATES_HZ),
        speed=_number(spoken, "speed", "session.audio.output.speed", 0.5, 2.0),
        narrowing=parse_narrowing(ours["filter"]) if "filter" in ours else None,
    )


def _detection_wish(heard: Mapping[str, Any], path: str) -> bool | None:
    if "turn_detection" not in heard:
        return None
    detection = heard["turn_detection"]
    if detection is None:
        return False
    kind = detection.get("type", "server_vad")
    if kind not in ("server_vad", "semantic_vad"):
        raise InvalidEvent(
            f"`{path}.type` must be server_vad or semantic_vad, or the whole null.", f"{path}.type"
        )
    return True


def _parse_append(message: Mapping[str, Any]) -> AppendAudio:
    audio = _string(message, "audio", "audio")
    try:
        return AppendAudio(base64.b64decode(audio, validate=True))
    except (binascii.Error, ValueError):
        raise InvalidEvent("`audio` must be base64.", "audio") from None


def _parse_item(message: Mapping[str, Any]) -> CreateItem:
    item = _object(message, "item", "item")
    if item.get("type") != "message" or item.get("role", "user") != "user":
        raise InvalidEvent("`item` must be a message with the role user.", "item.type")
    content = item.get("content")
    if not isinstance(content, list) or len(content) != 1 or not isinstance(content[0], dict):
        raise InvalidEvent("`item.content` must be a list of one part.", "item.content")
    if content[0].get("type") != "input_text":
        raise InvalidEvent(
            "`item.content[0].type` must be input_text; speech is sent as audio.",
            "item.content[0].type",
        )
    text = _without_surrogates(_string(content[0], "text", "item.content[0].text")).strip()
    if not 0 < len(text) <= MAXIMUM_QUESTION_CHARACTERS:
        raise InvalidEvent(
            f"`item.content[0].text` must have 1 to {MAXIMUM_QUESTION_CHARACTERS} characters.",
            "item.content[0].text",
        )
    return CreateItem(text)


def _without_surrogates(text: str) -> str:
    """JSON may carry half a surrogate pair, which no UTF-8 can: it becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _parse_truncate(message: Mapping[str, Any]) -> TruncateItem:
    audio_end_ms = _whole(message, "audio_end_ms", "audio_end_ms", 0, 86_400_000)
    if audio_end_ms is None:
        raise InvalidEvent("`audio_end_ms` is missing.", "audio_end_ms")
    _whole(message, "content_index", "content_index", 0, 0)
    return TruncateItem(_string(message, "item_id", "item_id"), audio_end_ms)


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], ClientEvent]] = {
    "session.update": _parse_update,
    "input_audio_buffer.append": _parse_append,
    "input_audio_buffer.commit": lambda message: CommitAudio(),
    "input_audio_buffer.clear": lambda message: ClearAudio(),
    "conversation.item.create": _parse_item,
    "conversation.item.truncate": _parse_truncate,
    "conversation.item.retrieve": lambda message: RetrieveItem(
        _string(message, "item_id", "item_id")
    ),
    "response.create": lambda message: CreateResponse(),
    "response.cancel": lambda message: CancelResponse(),
}
