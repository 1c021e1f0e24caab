"""Row 3: half-open link.

Seen to fail: with `ping_interval=None` the session stayed.
"""

import pytest

from audio.pcm import Samples
from tests.faults.conftest import StartFaked
from tests.faults.figures import Figure
from tests.faults.witness import hang_up, hear, opened_as, speak, until, witnessed


async def test_a_link_that_brings_nothing_back_is_dropped(
    start_faked: StartFaked, spoken: Samples, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """Dropped by ping, in the middle of an utterance; permits free; another client is answered."""
    monkeypatch.setattr("server.door.listening.PING_INTERVAL_S", 0.5)
    monkeypatch.setattr("server.door.listening.PING_TIMEOUT_S", 2)
    server = start_faked()
    before = await server.settled()
    connection, session_id = await opened_as(server.url)
    await speak(connection, spoken[:16_000])
    await hear(connection, "input_audio_buffer.speech_started")
    async with witnessed(server.url, figure):
        connection.transport.pause_reading()
        await until(lambda: session_id not in server.running.app.sessions)
    hang_up(connection, rudely=True)
    assert await server.is_back_at(before)
