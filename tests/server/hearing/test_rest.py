"""server/hearing/rest.py: silence gathers, nothing is left behind, and speech is read at once."""

import pytest

from server.hearing.rest import REST_S, Rest

FRAME_S = 0.02


class Line:
    """A client that sends a frame every 20 ms of a clock that only rests and frames move."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.is_open = True
        self.rests: list[float] = []
        self.backlog_s_max = 0.0
        self.rest = Rest(self, self.sleep)

    def pause_reading(self) -> None:
        self.is_open = False

    def resume_reading(self) -> None:
        self.is_open = True

    async def sleep(self, seconds: float) -> None:
        assert not self.is_open
        self.rests.append(seconds)
        self.now_s += seconds + 0.001

    async def frame(self, number: int, is_quiet: bool = True) -> None:
        """Take a frame when it has come, which may be earlier than now."""
        came_at_s = 100.0 + number * FRAME_S
        self.backlog_s_max = max(self.backlog_s_max, self.now_s - came_at_s)
        self.now_s = max(self.now_s, came_at_s)
        await self.rest.after(FRAME_S, is_quiet)
        assert self.is_open


async def test_a_minute_of_silence_is_read_in_fives_and_never_falls_behind() -> None:
    """A fifth of the wake-ups, and no growing backlog, though every sleep is late."""
    line = Line()
    for number in range(3000):
        await line.frame(number)
    assert 540 <= len(line.rests) <= 600
    assert line.backlog_s_max <= REST_S + 2 * FRAME_S


async def test_speech_is_read_as_it_comes() -> None:
    """No rest between frames that are not quiet, and none directly behind them."""
    line = Line()
    for number in range(50):
        await line.frame(number, is_quiet=False)
    await line.frame(50)
    assert line.rests == []


async def test_reading_goes_on_when_a_rest_is_cut_short() -> None:
    """A session that is cancelled while it rests leaves its socket open to read."""
    line = Line()

    async def interrupted(seconds: float) -> None:
        raise ConnectionError

    async def listen() -> None:
        for number in range(10):
            await line.frame(number)

    line.rest.sleep = interrupted
    with pytest.raises(ConnectionError):
        await listen()
    assert line.is_open


async def test_without_a_tap_nothing_rests() -> None:
    """Messages that come from no socket are taken as they come."""
    line = Line()
    line.rest.tap = None
    for number in range(100):
        await line.frame(number)
    assert line.rests == []
