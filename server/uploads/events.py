"""The `parley.upload.` messages of both sides, sans-I/O: parses, sends and stores nothing else."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from server.errors import InvalidEvent
from server.wire.client_events import parse_object
from server.wire.server_event import ServerEvent

PREFIX = "parley.upload."
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Begin:
    """A document of `size_bytes` follows in pieces."""

    upload_id: str
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Append:
    """Its next piece; on the wire in base64."""

    upload_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """All of it was sent."""

    upload_id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Forget what was sent of it."""

    upload_id: str


UploadEvent = Begin | Append | End | Cancel


@dataclass(frozen=True, slots=True)
class UploadProgress(ServerEvent):
    """Where a document stands: `receiving`, `waiting` for others, `reading`."""

    type: ClassVar[str] = "parley.upload.progress"
    upload_id: str
    name: str
    stage: str
    received_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UploadDone(ServerEvent):
    """It is found from now on; `index` counts what the store holds."""

    type: ClassVar[str] = "parley.upload.done"
    upload_id: str
    name: str
    collection: str
    passages: int
    is_unchanged: bool
    index: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UploadFailed(ServerEvent):
    """It was not taken; the store is as it was before."""

    type: ClassVar[str] = "parley.upload.failed"
    upload_id: str
    name: str
    code: str
    message: str
    retryable: bool


def is_upload(text: str) -> bool:
    """Tell cheaply whether a message may be one of these; `parse_upload_event` decides."""
    return PREFIX in text


def parse_upload_event(text: str) -> UploadEvent | None:
    """Return the event, None for one of another kind. Raises InvalidEvent naming the field."""
    message = parse_object(text)
    kind, event_id = message.get("type"), message.get("event_id")
    if not isinstance(kind, str) or not kind.startswith(PREFIX):
        return None
    try:
        parser = _PARSERS.get(kind)
        if parser is None:
            raise InvalidEvent(
                f"{kind[:80]!r} is not supported. Supported: {', '.join(_PARSERS)}.",
                "type",
                code="unknown_event",
            )
        return parser(_upload_id(message), message)
    except InvalidEvent as error:
        error.event_id = event_id if isinstance(event_id, str) else None
        raise


def _upload_id(message: Mapping[str, Any]) -> str:
    value = message.get("upload_id")
    if not isinstance(value, str) or not _UPLOAD_ID.fullmatch(value):
        raise InvalidEvent(
            "`upload_id` must be 1 to 64 letters, digits, underscores or hyphens.", "upload_id"
        )
    return value


def _parse_begin(upload_id: str, message: Mapping[str, Any]) -> Begin:
    name, size_bytes = message.get("name"), message.get("size_bytes")
    if not isinstance(name, str) or not 0 < len(name) <= 1000:
        raise InvalidEvent("`name` must be a string of 1 to 1000 characters.", "name")
    if isinstance(size_bytes, bool) or not isinstance(size_bytes, int) or size_bytes < 0:
        raise InvalidEvent("`size_bytes` must be a whole number, 0 or more.", "size_bytes")
    return Begin(upload_id, name.encode("utf-8", "replace").decode(), size_bytes)


def _parse_append(upload_id: str, message: Mapping[str, Any]) -> Append:
    data = message.get("data")
    if not isinstance(data, str):
        raise InvalidEvent("`data` must be a string.", "data")
    try:
        return Append(upload_id, base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise InvalidEvent("`data` must be base64.", "data") from None


_PARSERS: Mapping[str, Callable[[str, Mapping[str, Any]], UploadEvent]] = {
    "parley.upload.begin": _parse_begin,
    "parley.upload.append": _parse_append,
    "parley.upload.end": lambda upload_id, message: End(upload_id),
    "parley.upload.cancel": lambda upload_id, message: Cancel(upload_id),
}
