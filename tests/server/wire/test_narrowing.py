"""server/wire/narrowing.py: what a session may be answered from, as its client writes it."""

import json
from dataclasses import replace

import pytest

from rag.filter import EVERYTHING, Filter
from server.errors import InvalidEvent
from server.session_settings import default_detection, first_config
from server.settings import Settings
from server.wire import client_events as asked
from server.wire.client_events import parse_client_event
from server.wire.dialect import OWN
from server.wire.narrowing import describe_narrowing, parse_narrowing
from server.wire.session_update import Surround


def test_every_field_is_taken() -> None:
    """Names in any order and twice are one wish; dates without a zone are UTC."""
    written = {
        "collections": ["b", "a", "b"],
        "documents": ["prices.md"],
        "folders": ["guides"],
        "tags": ["2026"],
        "since": "2026-01-01",
        "until": "2026-01-02T01:00:00+01:00",
    }
    narrowing = parse_narrowing(written)
    assert narrowing == Filter(
        ("a", "b"), ("prices.md",), ("guides",), ("2026",), 1_767_225_600, 1_767_312_000
    )
    assert parse_narrowing(describe_narrowing(narrowing)) == narrowing


@pytest.mark.parametrize("written", [None, {}, {"tags": []}, {"since": None}])
def test_nothing_asked_lets_everything_through(written: object) -> None:
    """So a client takes its filter back."""
    assert parse_narrowing(written) == EVERYTHING
    assert describe_narrowing(EVERYTHING) is None


def test_an_absent_filter_is_no_wish() -> None:
    """Another update leaves the filter as it is; null is a wish."""
    config = replace(first_config(Settings(), OWN, 22_050), narrowing=Filter(tags=("a",)))
    around = Surround(config, default_detection(Settings(), OWN), "voice")
    message = json.dumps({"type": "session.update", "session": {"parley": {}}})
    assert parse_client_event(message, around) == asked.UpdateSession(config)
    message = json.dumps({"type": "session.update", "session": {"parley": {"filter": None}}})
    open_again = asked.UpdateSession(replace(config, narrowing=EVERYTHING))
    assert parse_client_event(message, around) == open_again


@pytest.mark.parametrize(
    ("written", "param"),
    [
        ([], ""),
        ({"folder": ["a"]}, ".folder"),
        ({"tags": "one"}, ".tags"),
        ({"tags": [1]}, ".tags"),
        ({"documents": ["x" * 501]}, ".documents"),
        ({"documents": ["x"] * 101}, ".documents"),
        ({"documents": ["\ud800"]}, ".documents"),
        ({"since": 5}, ".since"),
        ({"since": "yesterday"}, ".since"),
        ({"since": "9999-12-31T23:59"}, ".since"),
        ({"until": "0001-01-01T00:00:00+14:00"}, ".until"),
    ],
)
def test_what_is_wrong_is_named(written: object, param: str) -> None:
    """Bounded, and by the field's path."""
    with pytest.raises(InvalidEvent) as error:
        parse_narrowing(written)
    assert error.value.param == f"session.parley.filter{param}"
