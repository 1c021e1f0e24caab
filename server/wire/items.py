"""Conversation items as a client makes them and as they are told. It keeps none.

server/items.py keeps them in order.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.wire.appended import decode_base64
from server.wire.audio_formats import AudioFormat
from server.wire.fields import Fields

LONGEST_ID = 256
LONGEST_TEXT = 32_768
MOST_PARTS = 16
STATUSES = frozenset(("completed", "incomplete", "in_progress"))


class Role(StrEnum):
    """Who a message is of."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


class PartKind(StrEnum):
    """What a part of a message is."""

    INPUT_TEXT = "input_text"
    INPUT_AUDIO = "input_audio"
    OUTPUT_TEXT = "output_text"
    OUTPUT_AUDIO = "output_audio"


_BETA_KINDS = {"text": PartKind.OUTPUT_TEXT, "audio": PartKind.OUTPUT_AUDIO}
_ALLOWED = {
    Role.USER: (PartKind.INPUT_TEXT, PartKind.INPUT_AUDIO),
    Role.SYSTEM: (PartKind.INPUT_TEXT,),
    Role.ASSISTANT: (PartKind.OUTPUT_TEXT, PartKind.OUTPUT_AUDIO),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: written, or spoken with its transcript."""

    kind: PartKind
    text: str | None
    """None for speech that is not understood yet."""
    pcm: bytes = b""
    """PCM16 of an input_audio that a client put into an item; not kept."""

    @property
    def is_spoken(self) -> bool:
        """Whether its words are a transcript."""
        return self.kind in (PartKind.INPUT_AUDIO, PartKind.OUTPUT_AUDIO)

    def wire(self) -> dict[str, Any]:
        """Return the part as it is told."""
        name = "transcript" if self.is_spoken else "text"
        return {"type": str(self.kind), name: self.text}


@dataclass(frozen=True, slots=True)
class Message:
    """Something said or written; `id` is "" until one is given."""

    role: Role
    parts: tuple[Part, ...]
    id: str = ""
    status: str = "completed"

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(part.text for part in self.parts if part.text).strip()

    def wire(self) -> dict[str, Any]:
        """Return the `item` object."""
        content = [part.wire() for part in self.parts]
        return _head(self, "message") | {"role": str(self.role), "content": content}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """What a model wants called; `arguments` is JSON as the model wrote it."""

    name: str
    call_id: str
    arguments: str
    id: str = ""
    status: str = "completed"

    def wire(self) -> dict[str, Any]:
        """Return the `item` object."""
        return _head(self, "function_call") | {
            "name": self.name,
            "call_id": self.call_id,
            "arguments": self.arguments,
        }


@dataclass(frozen=True, slots=True)
class FunctionOutput:
    """What a call came to, by the client that made it."""

    call_id: str
    output: str
    id: str = ""
    status: str = "completed"

    def wire(self) -> dict[str, Any]:
        """Return the `item` object."""
        told = {"call_id": self.call_id, "output": self.output}
        return _head(self, "function_call_output") | told


@dataclass(frozen=True, slots=True)
class ItemReference:
    """An item of the conversation, named in the `input` of a response."""

    id: str


ClientItem = Message | FunctionCall | FunctionOutput


def _head(item: ClientItem, kind: str) -> dict[str, Any]:
    return {"object": "realtime.item", "id": item.id, "type": kind, "status": item.status}


def read_item(told: Fields, form: AudioFormat) -> ClientItem:
    """Return the item that a client wants made. Raises InvalidEvent naming the field."""
    kind = told.needed_text("type", 40)
    item_id = told.text("id", LONGEST_ID) or ""
    told.text("object", 40)
    status = told.text("status", 20) or "completed"
    if status not in STATUSES:
        raise told.refuse("status", f"must be one of {', '.join(sorted(STATUSES))}.")
    if kind == "message":
        return _read_message(told, item_id, form)
    if kind == "function_call":
        arguments = told.needed_text("arguments", LONGEST_TEXT)
        call_id = told.text("call_id", LONGEST_ID) or f"call_{item_id}"
        return FunctionCall(told.needed_text("name", 64), call_id, arguments, item_id, "completed")
    if kind == "function_call_output":
        output = told.needed_text("output", LONGEST_TEXT)
        return FunctionOutput(told.needed_text("call_id", LONGEST_ID), output, item_id, "completed")
    known = "message, function_call or function_call_output"
    raise told.refuse("type", f"must be {known}.", "unsupported")


def read_items(
    told: Fields, name: str, form: AudioFormat
) -> tuple[ClientItem | ItemReference, ...]:
    """Return the `input` of a response: items, or references to some of the conversation."""
    found: list[ClientItem | ItemReference] = []
    for child in told.children(name, 64) or ():
        if child.value("type") == "item_reference":
            found.append(ItemReference(child.needed_text("id", LONGEST_ID)))
        else:
            found.append(read_item(child, form))
    return tuple(found)


def _read_message(told: Fields, item_id: str, form: AudioFormat) -> Message:
    role = told.choice("role", Role)
    if role is None:
        raise told.refuse("role", "must be a string.", "missing_required_parameter")
    children = told.children("content", MOST_PARTS)
    if not children:
        raise told.refuse("content", "must be a list of parts.", "missing_required_parameter")
    parts = tuple(_read_part(child, role, form) for child in children)
    if sum(len(part.text or "") for part in parts) > LONGEST_TEXT:
        raise told.refuse("content", f"may have at most {LONGEST_TEXT} characters in all.")
    return Message(role, parts, item_id)


def _read_part(told: Fields, role: Role, form: AudioFormat) -> Part:
    name = told.needed_text("type", 40)
    allowed = _ALLOWED[role]
    kind = _BETA_KINDS.get(name) or next((each for each in PartKind if each == name), None)
    if kind not in allowed:
        raise told.refuse("type", f"must be {' or '.join(allowed)} for the role {role}.")
    if kind is PartKind.INPUT_AUDIO:
        pcm = form.decode(decode_base64(told, "audio"))
        return Part(kind, told.text("transcript", LONGEST_TEXT), pcm[: len(pcm) // 2 * 2])
    if kind is PartKind.OUTPUT_AUDIO:
        return Part(kind, told.text("transcript", LONGEST_TEXT) or "")
    text = told.needed_text("text", LONGEST_TEXT)
    if role is Role.USER and not text.strip():
        raise told.refuse("text", "is blank.")
    return Part(kind, text)
