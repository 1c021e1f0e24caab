"""Row 1: client drops mid-utterance (FIN).

Seen to fail: with ConnectionClosed not caught by Reception.serve the log had a traceback
in place of the one line; with `del self.sessions[...]` left out the session stayed.
"""

import logging
import time

import pytest

from audio.pcm import Samples
from tests.faults.conftest import FakedServer, StartFaked
from tests.faults.figures import Figure
from tests.faults.witness import hang_up, hear, is_served, opened_as, speak, until, witnessed


async def drop_mid_utterance(server: FakedServer, spoken: Samples, *, rudely: bool) -> float:
    """Drop a client in the middle of a question; return the seconds until its session is gone."""
    connection, session_id = await opened_as(server.url)
    await speak(connection, spoken[:16_000])
    await hear(connection, "input_audio_buffer.speech_started")
    dropped_s = time.monotonic()
    hang_up(connection, rudely=rudely)
    await until(lambda: session_id not in server.running.app.sessions)
    return time.monotonic() - dropped_s


def told_of_losses(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What Parley logged and anybody complained of, without what the machine's load raised."""
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name.startswith("server") or record.levelno >= logging.WARNING)
        and not record.getMessage().startswith("alert ")
    ]


async def test_the_session_is_gone_at_once_and_leaves_nothing(
    start_faked: StartFaked, spoken: Samples, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """Session gone in 100 ms; no stage starts; permits, tasks, sockets as before; one log line."""
    # A partial that began before the drop would be no fault.
    server = start_faked(partials=False)
    assert await is_served(server.url)
    before, recognitions = await server.settled(), len(server.recognizer.heard)
    with caplog.at_level(logging.INFO):
        async with witnessed(server.url, figure):
            gone_s = await drop_mid_utterance(server, spoken, rudely=False)
        figure("session gone after", gone_s * 1000, "ms")
        assert await server.is_back_at(before)
    assert len(server.recognizer.heard) == recognitions, "half a question is nobody's"
    assert [line[-23:] for line in told_of_losses(caplog)] == ["the connection was lost"]
