"""Holds what a session told on /v1/realtime against the types of openai-python, strictly.

The SDK itself builds its events without validating them: a missing or misspelt field would reach
an application as None, or as a field of the wrong type.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openai.types.realtime import (
    RealtimeServerEvent,
    RealtimeSessionCreateResponse,
    RealtimeTranscriptionSessionCreateResponse,
)
from pydantic import BaseModel, TypeAdapter

from server.wire.support import ADDED_FIELDS

_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
_SESSIONS: Mapping[str, type[BaseModel]] = {
    "realtime": RealtimeSessionCreateResponse,
    "transcription": RealtimeTranscriptionSessionCreateResponse,
}


def check_types(events: Iterable[Mapping[str, Any]]) -> None:
    """Assert that every event has all the fields of its type, of their types, and no others
    than docs/realtime.md lists.
    """
    for event in events:
        taken = _EVENT.validate_python(event, strict=True)
        assert taken.type == event["type"]
        strange = set(_unknown(taken, "")) - set(ADDED_FIELDS)
        if "session" in event:
            session = event["session"]
            told = _SESSIONS[session["type"]].model_validate(session, strict=True)
            strange &= {f"session.{path}" for path in _unknown(told, "")}
        assert not strange, f"{event['type']} tells {sorted(strange)}"


def _unknown(model: BaseModel, path: str) -> Iterator[str]:
    """The paths of fields that the SDK does not know."""
    yield from (f"{path}{name}" for name in model.model_extra or ())
    for name in type(model).model_fields:
        value = getattr(model, name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                yield from _unknown(each, f"{path}{name}.")
