"""server/wire/server_events.py and response_events.py: the names and fields of the wire."""

import json
from collections.abc import Iterator
from dataclasses import fields

from server.errors import AtCapacity, InvalidEvent, StageTimeout
from server.wire import response_events, server_events
from server.wire.outbox import describe
from server.wire.server_event import ServerEvent, as_json, fields_of


def event_types() -> Iterator[type[ServerEvent]]:
    for value in (vars(server_events) | vars(response_events)).values():
        if isinstance(value, type) and issubclass(value, ServerEvent) and hasattr(value, "type"):
            yield value


def test_every_event_has_its_own_type() -> None:
    """No two classes share a name on the wire; ours are under `parley.`."""
    names = [event.type for event in event_types()]
    assert len(names) == len(set(names)) > 20
    openai = ("session.", "input_audio_buffer.", "output_audio_buffer.", "conversation.")
    others = ("response.", "rate_limits.", "error", "parley.")
    assert all(name.startswith((*openai, *others)) for name in names)


def test_fields_are_the_wire() -> None:
    """Written, it has type and event_id beside the dataclass's own fields."""
    event = response_events.TranscriptDelta("resp_1", "item_1", "Hello.")
    wire = json.loads(as_json(fields_of(event, "event_1")))
    assert wire == {
        "type": "response.output_audio_transcript.delta",
        "event_id": "event_1",
        "response_id": "resp_1",
        "item_id": "item_1",
        "delta": "Hello.",
        "output_index": 0,
        "content_index": 0,
    }
    assert {item.name for item in fields(event)} < set(wire)


def test_errors_say_what_can_be_done() -> None:
    """Type, code, message, param, event_id; a wait or a stage where there is one."""
    wrong = describe(InvalidEvent("Bad.", "audio", "mine", "invalid_value"))
    assert (wrong["type"], wrong["param"], wrong["event_id"]) == (
        "invalid_request_error",
        "audio",
        "mine",
    )
    assert describe(AtCapacity("Full.", 2000))["retry_after_ms"] == 2000
    late = describe(StageTimeout("stt", "Late."))
    assert (late["type"], late["code"], late["stage"]) == ("server_error", "stage_timeout", "stt")
