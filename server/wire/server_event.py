"""What every server event is, and how it is written. It knows none, and sends nothing.

server/wire/server_events.py has those of the session and its items, server/wire/response_events.py
those of a response.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """Base of all; the fields of a subclass are the fields on the wire."""

    type: ClassVar[str]


def fields_of(event: ServerEvent, event_id: str) -> dict[str, Any]:
    """Return the event as it is on the wire."""
    return {"type": event.type, "event_id": event_id} | asdict(event)


def as_json(told: Mapping[str, Any]) -> str:
    """Return the JSON text of what an event tells.

    Half a surrogate pair becomes a question mark, as it does in what clients send: no UTF-8
    carries it, and clients differ in what they make of its escape.
    """
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace").decode()
