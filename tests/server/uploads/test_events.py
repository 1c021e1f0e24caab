"""server/uploads/events.py: the messages that bring documents."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidEvent
from server.uploads.events import PREFIX, Append, Begin, Cancel, End, parse_upload_event


def wire(kind: str, **changes: object) -> str:
    return json.dumps({"type": PREFIX + kind, "event_id": "e", "upload_id": "u-1"} | changes)


def test_each_message_is_parsed() -> None:
    """Pieces are base64 on the wire."""
    data = base64.b64encode(b"some").decode()
    assert parse_upload_event(wire("begin", name="a.md", size_bytes=4)) == Begin("u-1", "a.md", 4)
    assert parse_upload_event(wire("append", data=data)) == Append("u-1", b"some")
    assert parse_upload_event(wire("end")) == End("u-1")
    assert parse_upload_event(wire("cancel")) == Cancel("u-1")


def test_a_question_that_quotes_us_is_none_of_ours() -> None:
    """Only the type decides."""
    assert parse_upload_event(json.dumps({"type": "x", "text": "parley.upload.begin"})) is None


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (wire("rename"), "type"),
        (wire("end", upload_id=""), "upload_id"),
        (wire("end", upload_id="a/b"), "upload_id"),
        (wire("end", upload_id=7), "upload_id"),
        (wire("begin", size_bytes=1), "name"),
        (wire("begin", name="", size_bytes=1), "name"),
        (wire("begin", name="a.md", size_bytes=-1), "size_bytes"),
        (wire("begin", name="a.md", size_bytes=True), "size_bytes"),
        (wire("begin", name="a.md", size_bytes=1.5), "size_bytes"),
        (wire("append"), "data"),
        (wire("append", data="no base64!"), "data"),
    ],
)
def test_a_wrong_field_is_named(message: str, param: str) -> None:
    """With the client's own event id, so that it can tell which message it was."""
    with pytest.raises(InvalidEvent) as caught:
        parse_upload_event(message)
    assert (caught.value.param, caught.value.event_id) == (param, "e")


def test_half_a_surrogate_pair_becomes_a_mark() -> None:
    """JSON may carry it, no file name can."""
    event = parse_upload_event(wire("begin", name="a\ud800.md", size_bytes=1))
    assert isinstance(event, Begin)
    assert event.name == "a?.md"


FIELDS = st.dictionaries(
    st.sampled_from(["upload_id", "name", "size_bytes", "data"]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
)


@given(st.sampled_from(["begin", "append", "end", "cancel", ""]), FIELDS)
def test_any_fields_parse_or_raise_the_documented_error(
    kind: str, fields: dict[str, object]
) -> None:
    """Never anything else."""
    param: str | None = "none was wrong"
    try:
        assert parse_upload_event(json.dumps({"type": PREFIX + kind} | fields)) is not None
    except InvalidEvent as error:
        param = error.param
    assert param
