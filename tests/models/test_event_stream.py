from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.event_stream import EventStream, EventTooLong

STREAM = (
    "\ufeffdata: one\n\n: a comment\ndata: two\r\ndata:lines\r\n\r\nevent: x\nid: 1\n\n"
    "data: héllo\r\rdata\ndata: \n\ndata: cut off"
).encode()


def fed(chunks: list[bytes]) -> list[str]:
    stream = EventStream()
    return [event for chunk in chunks for event in stream.feed(chunk)]


def test_data_of_whole_events_only() -> None:
    """Comments and other fields are skipped, several data lines joined, the unfinished is lost."""
    assert fed([STREAM]) == ["one", "two\nlines", "héllo", "\n"]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cutting_gives_the_same_events(cuts: list[int]) -> None:
    """It does not matter how the bytes were cut on their way, within a character or a line end."""
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(edges)]
    assert fed(chunks) == fed([STREAM])


def flood(stream: EventStream, endless: bytes) -> None:
    for _ in range(1000):
        stream.feed(endless)


@pytest.mark.parametrize("endless", [b"x" * 64, b"data: xxxxxxx\n"])
def test_an_endless_event_is_refused(endless: bytes) -> None:
    """A line, or an event of many lines, takes no more memory than its bound."""
    stream = EventStream(longest_event_bytes=1000)
    with pytest.raises(EventTooLong):
        flood(stream, endless)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_events_or_nothing(chunks: list[bytes]) -> None:
    """Whatever comes, data are text without a line end of another kind, or nothing."""
    for event in fed(chunks):
        assert isinstance(event, str)
