"""Client messages, sans-I/O: text in, one frozen dataclass or InvalidEvent out, nothing else.

It does not act on them; server/session.py does.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Never

from server.errors import InvalidEvent
from server.wire.appended import decode_base64
from server.wire.audio_formats import Coding
from server.wire.fields import Fields
from server.wire.items import LONGEST_ID, ClientItem, ItemReference, read_item, read_items
from server.wire.session_config import SessionConfig
from server.wire.session_update import (
    Surround,
    read_answering,
    read_beta_answering,
    read_output,
    read_session,
)

LONGEST_AUDIO_MS = 86_400_000
MOST_METADATA = 16
LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE = 64, 512


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """`session.update`: the session as it is to be."""

    config: SessionConfig


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """`input_audio_buffer.append`: as a binary frame, in the session's input format."""

    coded: bytes


@dataclass(frozen=True, slots=True)
class CommitAudio:
    """`input_audio_buffer.commit`: the utterance ends here."""


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """`input_audio_buffer.clear`: what was heard and not committed is forgotten."""


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """`output_audio_buffer.clear`: stop sending the answer's sound."""


@dataclass(frozen=True, slots=True)
class CreateItem:
    """`conversation.item.create`: put an item behind another, at the front ("root") or last."""

    item: ClientItem
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """`conversation.item.delete`: take an item out."""

    item_id: str


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """`conversation.item.truncate`: the person heard only this much of an answer."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    """`conversation.item.retrieve`: tell an item as it is now."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """`response.create`: answer now."""

    config: SessionConfig
    """The session's, with what this response replaces of it."""
    is_out_of_band: bool = False
    """Whether the answer stays outside of the conversation (`conversation`: "none")."""
    input: tuple[ClientItem | ItemReference, ...] | None = None
    """What is answered instead of the conversation; None for the conversation."""
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """`response.cancel`: stop the answer, or the one that is named."""

    response_id: str | None = None


ClientEvent = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | ClearOutput
    | CreateItem
    | DeleteItem
    | CreateResponse
    | CancelResponse
    | TruncateItem
    | RetrieveItem
)


def parse_client_event(text: str, around: Surround) -> ClientEvent:
    """Parse one text message. Raises InvalidEvent naming the field, and nothing else."""
    message = parse_object(text)
    event_id = message.get("event_id")
    event_id = event_id[:LONGEST_ID] if isinstance(event_id, str) else None
    kind = message.get("type")
    if not isinstance(kind, str):
        raise InvalidEvent("An event needs a string `type`.", "type", event_id, "missing_type")
    parser = PARSERS.get(kind) or _BETA_PARSERS.get(kind)
    if parser is None:
        known = ", ".join(PARSERS)
        reason = f"{kind[:80]!r} is not supported. Supported: {known}."
        raise InvalidEvent(reason, "type", event_id, "unknown_event")
    try:
        return parser(Fields(message), around)
    except InvalidEvent as error:
        error.event_id = event_id
        raise


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object of a message. Raises InvalidEvent for anything else."""
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


def _parse_update(event: Fields, around: Surround) -> UpdateSession:
    if not event.has("session"):
        raise event.refuse("session", "must be an object.", "missing_required_parameter")
    return UpdateSession(read_session(event.child("session"), around))


def _parse_append(event: Fields, around: Surround) -> AppendAudio:
    coded = decode_base64(event, "audio")
    if not coded:
        raise event.refuse("audio", "is empty.", "bad_frame")
    if len(coded) % 2 and around.now.input_format.coding is Coding.PCM:
        raise event.refuse("audio", "is not whole 16-bit samples.", "bad_frame")
    return AppendAudio(coded)


def _parse_item(event: Fields, around: Surround) -> CreateItem:
    previous_id = event.text("previous_item_id", LONGEST_ID)
    item = read_item(event.child("item"), around.now.input_format)
    return CreateItem(item, previous_id)


def _parse_truncate(event: Fields, around: Surround) -> TruncateItem:
    item_id = event.needed_text("item_id", LONGEST_ID)
    audio_end_ms = event.number("audio_end_ms", 0, LONGEST_AUDIO_MS)
    if audio_end_ms is None:
        raise event.refuse("audio_end_ms", "is missing.", "missing_required_parameter")
    event.whole("content_index", 0, 0)
    return TruncateItem(item_id, int(audio_end_ms))


def _parse_response(event: Fields, around: Surround) -> CreateResponse:
    wish = event.child("response")
    config = read_output(wish.child("audio"), read_answering(wish, around), around)
    if around.is_beta:
        config = read_beta_answering(wish, config, around)
    conversation = wish.text("conversation", LONGEST_ID)
    if conversation not in (None, "auto", "none"):
        raise wish.refuse("conversation", "must be auto or none.")
    items = read_items(wish, "input", around.now.input_format) if wish.value("input") else None
    if wish.value("input") == []:
        items = ()
    return CreateResponse(config, conversation == "none", items, _read_metadata(wish))


def _read_metadata(wish: Fields) -> Mapping[str, str] | None:
    if wish.value("metadata") is None:
        return None
    told = wish.child("metadata")
    if len(told.values) > MOST_METADATA:
        raise wish.refuse("metadata", f"may have at most {MOST_METADATA} keys.")
    for key in told.values:
        if len(key) > LONGEST_METADATA_KEY:
            raise wish.refuse("metadata", f"has a key above {LONGEST_METADATA_KEY} characters.")
    return {key: told.needed_text(key, LONGEST_METADATA_VALUE) for key in told.values}


def _parse_cancel(event: Fields, around: Surround) -> CancelResponse:
    return CancelResponse(event.text("response_id", LONGEST_ID))


Parser = Callable[[Fields, Surround], ClientEvent]

PARSERS: Mapping[str, Parser] = {
    "session.update": _parse_update,
    "input_audio_buffer.append": _parse_append,
    "input_audio_buffer.commit": lambda event, around: CommitAudio(),
    "input_audio_buffer.clear": lambda event, around: ClearAudio(),
    "output_audio_buffer.clear": lambda event, around: ClearOutput(),
    "conversation.item.create": _parse_item,
    "conversation.item.retrieve": lambda event, around: RetrieveItem(
        event.needed_text("item_id", LONGEST_ID)
    ),
    "conversation.item.delete": lambda event, around: DeleteItem(
        event.needed_text("item_id", LONGEST_ID)
    ),
    "conversation.item.truncate": _parse_truncate,
    "response.create": _parse_response,
    "response.cancel": _parse_cancel,
}

_BETA_PARSERS: Mapping[str, Parser] = {"transcription_session.update": _parse_update}
