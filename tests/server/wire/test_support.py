"""docs/realtime.md: its tables are the code's, and no event of the GA protocol is missing."""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args

import pytest
from openai.types.beta.realtime import ResponseCreateEvent, SessionUpdateEvent
from openai.types.realtime import (
    ConversationItemCreateEvent,
    RealtimeClientEvent,
    RealtimeResponseCreateParams,
    RealtimeServerEvent,
    RealtimeSessionCreateRequest,
    RealtimeTranscriptionSessionCreateRequest,
)
from pydantic import BaseModel, ValidationError

from server.wire.client_events import PARSERS
from server.wire.support import (
    BETA_FIELDS,
    CLIENT_EVENTS,
    ITEM_FIELDS,
    PAGE,
    RESPONSE_FIELDS,
    SERVER_EVENTS,
    SESSION_FIELDS,
    with_tables,
)
from tests.sdk_types import check_types
from tests.server.wire.test_server_events import event_types

ERROR = {"type": "invalid_request_error", "message": "Bad."}


def types_of(union: Any) -> set[str]:
    """The `type` of each event of an annotated union of the SDK."""
    events = get_args(get_args(union)[0])
    assert len(events) > 8
    return {
        get_args(event.model_fields["type"].annotation)[0]
        for event in events
        if event is not NoneType
    }


def test_every_event_that_the_sdk_knows_has_a_row() -> None:
    """And no row is made up."""
    assert set(CLIENT_EVENTS) == types_of(RealtimeClientEvent)
    assert set(SERVER_EVENTS) == types_of(RealtimeServerEvent)


def fields_of(annotation: object, path: str = "") -> Iterator[str]:
    """The dotted path of every field of a model of the SDK, or of any model of a union."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        yield from (each for part in get_args(annotation) for each in fields_of(part, path))
        return
    for name, field in annotation.model_fields.items():
        yield f"{path}{name}"
        yield from fields_of(field.annotation, f"{path}{name}.")


def has_a_row(path: str, rows: Mapping[str, str]) -> bool:
    """Whether it is named by a row, or in the row of what it is in, or what is in it is."""
    named = {name: told for names, told in rows.items() for name in names.split(", ")}
    if path in named or any(name.startswith(f"{path}.") for name in named):
        return True
    around, _, name = path.rpartition(".")
    if around.startswith(WHOLE):
        return True
    return f"`{name}`" in named.get(around, "")


WHOLE = (
    *("tools", "tool_choice", "tracing", "truncation", "reasoning", "prompt", "input"),
    "audio.output.format",
    "audio.output.voice",
)
"""What is in them has no row of its own. The items of an `input` are those of ITEM_FIELDS."""
OF_OTHER_ITEMS = {"approve", "approval_request_id", "reason", "server_label", "error", "tools"}
"""Of items that are refused by their type."""


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (RealtimeSessionCreateRequest, SESSION_FIELDS),
        (RealtimeTranscriptionSessionCreateRequest, SESSION_FIELDS),
        (RealtimeResponseCreateParams, RESPONSE_FIELDS),
        (ConversationItemCreateEvent.model_fields["item"].annotation, ITEM_FIELDS),
    ],
)
def test_every_field_that_the_sdk_knows_has_a_row(model: object, rows: Mapping[str, str]) -> None:
    """Of the session, of a response, of an item."""
    paths = {path for path in fields_of(model) if path.split(".")[0] not in OF_OTHER_ITEMS}
    assert len(paths) > 8
    assert not [path for path in sorted(paths) if not has_a_row(path, rows)]


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (SessionUpdateEvent.model_fields["session"].annotation, SESSION_FIELDS),
        (ResponseCreateEvent.model_fields["response"].annotation, RESPONSE_FIELDS),
    ],
)
def test_every_field_of_the_beta_has_a_row(model: object, rows: Mapping[str, str]) -> None:
    """Under its own name, or as the GA protocol has it."""
    named = {name.split(".")[0] for names in (*rows, *BETA_FIELDS) for name in names.split(", ")}
    paths = {path.split(".")[0] for path in fields_of(model)}
    assert len(paths) > 8
    assert paths - named <= {"client_secret"}


def test_rows_say_what_the_code_does() -> None:
    """Each supported client event has a parser; what is said to be sent can be, and no more."""
    assert set(CLIENT_EVENTS) == set(PARSERS)
    sent = {kind for kind, told in SERVER_EVENTS.items() if not told.startswith("never sent")}
    ours = {kind.type for kind in event_types() if not kind.type.startswith("parley.")}
    assert sent - {"conversation.item.created"} == ours


def test_the_page_is_up_to_date() -> None:
    """Else: python -m server.wire.support"""
    page = PAGE.read_text()
    assert with_tables(page) == page


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "error": ERROR},
        {"type": "error", "event_id": 5, "error": ERROR},
        {"type": "error", "event_id": "e", "error": {"message": "Bad."}},
        {"type": "error", "event_id": "e", "error": {**ERROR, "severity": "high"}},
        {"type": "error", "event_id": "e", "error": ERROR, "session_id": "s"},
        {"type": "response.done", "event_id": "e", "response": {"status": "ended"}},
    ],
)
def test_an_event_that_the_sdk_would_not_know_is_found(event: dict[str, Any]) -> None:
    """The judge itself: a missing field, another type, an unknown field, an unknown value."""
    check_types([{"type": "error", "event_id": "e", "error": ERROR}])
    with pytest.raises((AssertionError, ValidationError)):
        check_types([event])
