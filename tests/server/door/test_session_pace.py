"""server/door/session_pace.py: no session is read faster than its rates allow."""

import pytest

from server.door.session_pace import BURST_S, PATIENCE_S, PacedMessages, SessionPace
from server.errors import TooFast
from tests.fakes import FakeMessages


class Time:
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.pauses_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.now_s += seconds


def make_pace(messages: float, size_bytes: float) -> tuple[SessionPace, Time]:
    time = Time()
    return SessionPace(messages, size_bytes, time, time.sleep), time


async def test_a_burst_is_read_at_once_and_then_at_the_rate() -> None:
    """Ten seconds' worth without a pause; each further message then waits its part of a second."""
    pace, time = make_pace(10, 0)
    for _ in range(int(10 * BURST_S)):
        await pace.keep(1)
    assert not time.pauses_s
    await pace.keep(1)
    assert time.pauses_s == [pytest.approx(0.1)]


async def test_bytes_pause_and_never_close() -> None:
    """An upload of a thousand times the burst goes through at the rate."""
    pace, time = make_pace(1000, 1000)
    for _ in range(1000):
        await pace.keep(10_000)
    assert time.now_s - 100 == pytest.approx((10_000_000 - 1000 * BURST_S) / 1000, rel=0.01)


async def test_a_flood_of_messages_is_closed_once_patience_is_over() -> None:
    """4429, after as many messages as that much pausing lets through."""
    pace, time = make_pace(10, 0)

    async def flood_it() -> None:
        for _ in range(100_000):
            await pace.keep(1)

    with pytest.raises(TooFast) as flood:
        await flood_it()
    assert flood.value.close_code == 4429
    assert time.now_s - 100 == pytest.approx(PATIENCE_S, abs=0.2)


async def test_who_calms_down_is_forgiven() -> None:
    """Bursts with a rest between them may go on for ever."""
    pace, time = make_pace(10, 0)
    for _ in range(10):
        for _ in range(int(10 * BURST_S) + 50):
            await pace.keep(1)
        time.now_s += BURST_S
        await pace.keep(1)
        time.now_s += BURST_S
    assert sum(time.pauses_s) > PATIENCE_S


async def test_without_limits_nothing_is_counted() -> None:
    """0 and 0."""
    pace, time = make_pace(0, 0)
    for _ in range(1000):
        await pace.keep(1_000_000)
    assert not time.pauses_s


async def test_messages_come_in_order_and_end() -> None:
    """What it wraps is passed on unchanged."""
    messages = FakeMessages()
    messages.send("a", b"b")
    messages.end()
    pace, _ = make_pace(10, 10)
    assert [message async for message in PacedMessages(messages, pace)] == ["a", b"b"]
