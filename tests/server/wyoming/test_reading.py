"""server/wyoming/reading.py: whole events, the end, or the documented error; nothing else."""

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wyoming.event import Event

from server.errors import InvalidEvent
from server.wyoming.reading import (
    MAXIMUM_DATA_BYTES,
    MAXIMUM_LINE_BYTES,
    MAXIMUM_PAYLOAD_BYTES,
    read_event,
)


async def read(raw: bytes) -> list[Event]:
    """The events in these bytes, to their end."""
    reader = asyncio.StreamReader(limit=MAXIMUM_LINE_BYTES)
    reader.feed_data(raw)
    reader.feed_eof()
    events = []
    while (event := await read_event(reader)) is not None:
        events.append(event)
    return events


def header(**fields: object) -> bytes:
    return json.dumps({"type": "ping", **fields}).encode() + b"\n"


async def test_the_three_parts_are_put_together() -> None:
    """Data in the line, data behind it, which wins, and a payload; then the next event."""
    raw = header(data={"a": 1, "b": 1}, data_length=8, payload_length=3) + b'{"b": 2}' + b"pcm"
    first, second = await read(raw + header())
    assert (first.data, first.payload) == ({"a": 1, "b": 2}, b"pcm")
    assert (second.data, second.payload) == ({}, None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GET / HTTP/1.1\r\n", "invalid_json"),
        (b"\n", "invalid_json"),
        (b"[1]\n", "invalid_json"),
        (b"[" * 10_000 + b"\n", "invalid_json"),
        (b"\xff\xfe\n", "invalid_json"),
        (b"1" * 5000 + b"\n", "invalid_json"),
        (b"{}\n", "missing_type"),
        (b'{"type": 5}\n', "missing_type"),
        (b"x" * (MAXIMUM_LINE_BYTES + 2), "too_large"),
        (header(data_length=MAXIMUM_DATA_BYTES + 1), "too_large"),
        (header(payload_length=MAXIMUM_PAYLOAD_BYTES + 1), "too_large"),
        (header(payload_length=10**30), "too_large"),
        (header(payload_length=-1), "invalid_value"),
        (header(payload_length="9"), "invalid_value"),
        (header(data_length=True), "invalid_value"),
        (header(data_length=1.5), "invalid_value"),
        (header(data_length=4) + b"nope", "invalid_json"),
    ],
)
async def test_what_is_no_event_is_refused_by_name(raw: bytes, code: str) -> None:
    """Before anything is allocated for it."""
    with pytest.raises(InvalidEvent) as error:
        await read(raw)
    assert error.value.event_code == code


@given(st.binary(max_size=200), st.integers(0, 200))
@example(b"", 0)
def test_any_bytes_give_events_or_the_error(noise: bytes, cut: int) -> None:
    """Noise, and a good event cut off anywhere: nothing else is raised and nothing hangs."""
    good = header(data_length=8, payload_length=40) + b'{"b": 2}' + bytes(40)
    for raw in (noise, good[:cut], good + noise):
        with suppress(InvalidEvent):
            asyncio.run(asyncio.wait_for(read(raw), 10))
