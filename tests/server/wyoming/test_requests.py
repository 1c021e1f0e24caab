"""server/wyoming/requests.py: a request, nothing for a stranger's event, or an error by field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from server.errors import InvalidEvent
from server.wyoming import requests as asked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
FIELDS = ("text", "language", "text_format", "rate", "width", "channels", "voice")


@given(
    st.sampled_from([*asked._PARSERS, "select-program", ""]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_any_fields_give_a_request_or_the_error(kind: str, data: dict[str, Any]) -> None:
    """Every event with every field of every type."""
    try:
        request = asked.request_of(Event(kind, data))
    except InvalidEvent as error:
        assert error.param in FIELDS  # noqa: PT017
    else:
        assert (request is None) == (kind not in asked._PARSERS)


@pytest.mark.parametrize("language", [None, "en", "en-US", "EN_gb"])
def test_english_in_any_spelling_is_taken(language: str | None) -> None:
    """Home Assistant sends the language of its pipeline."""
    event = Event("transcript", {"text": "hello", "language": language})
    assert asked.request_of(event) == asked.Question("hello")


@pytest.mark.parametrize("kind", ["transcribe", "transcript"])
def test_other_languages_are_refused(kind: str) -> None:
    """Rather than misheard."""
    with pytest.raises(InvalidEvent) as error:
        asked.request_of(Event(kind, {"text": "hallo", "language": "de"}))
    assert error.value.event_code == "unsupported_language"


@pytest.mark.parametrize(
    ("kind", "longest"),
    [("transcript", 2000), ("synthesize", 10_000), ("synthesize-chunk", 10_000)],
)
def test_a_text_has_a_longest(kind: str, longest: int) -> None:
    """One character more is refused."""
    assert asked.request_of(Event(kind, {"text": "x" * longest}))
    with pytest.raises(InvalidEvent) as error:
        asked.request_of(Event(kind, {"text": "x" * (longest + 1)}))
    assert error.value.event_code == "too_large"


def test_half_a_character_is_replaced() -> None:
    """It could not be sent back."""
    assert asked.request_of(Event("ping", {"text": "a\ud800"})) == asked.Ping("a?")
