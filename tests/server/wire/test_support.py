"""docs/realtime.md: its tables are the code's, and no event of the GA protocol is missing."""

from types import NoneType
from typing import Any, get_args

import pytest
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import ValidationError

from server.wire.client_events import PARSERS
from server.wire.support import CLIENT_EVENTS, PAGE, SERVER_EVENTS, with_tables
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
