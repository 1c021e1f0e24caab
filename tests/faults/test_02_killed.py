"""Row 2: client killed (RST).

Seen to fail: with ConnectionClosed not caught by Reception.serve a traceback was logged.
"""

import logging

import pytest

from audio.pcm import Samples
from tests.faults.conftest import StartFaked
from tests.faults.figures import Figure
from tests.faults.test_01_drops_mid_utterance import drop_mid_utterance, told_of_losses
from tests.faults.witness import ask, hang_up, hear, is_served, opened, witnessed


async def test_the_session_is_gone_without_a_traceback(
    start_faked: StartFaked, spoken: Samples, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """The same as for a FIN, and no traceback: while it speaks and while it is spoken to."""
    server = start_faked(partials=False)
    assert await is_served(server.url)
    before, recognitions = await server.settled(), len(server.recognizer.heard)
    with caplog.at_level(logging.INFO):
        async with witnessed(server.url, figure):
            gone_s = await drop_mid_utterance(server, spoken, rudely=True)
        figure("session gone after", gone_s * 1000, "ms")
        server.synthesizer.character_ms = 50
        listener = await opened(server.url)
        await ask(listener, "where is the car park")
        await hear(listener, "response.output_audio_transcript.delta")
        hang_up(listener, rudely=True)
        assert await server.is_back_at(before)
    assert [line[-23:] for line in told_of_losses(caplog)] == ["the connection was lost"] * 2
    assert len(server.recognizer.heard) == recognitions, "half a question is nobody's"
    assert not any(record.exc_info for record in caplog.records if record.levelno > logging.DEBUG)
    assert await is_served(server.url)
