"""Row 25: STT or TTS raises.

Seen to fail: with Stage._fail handing on the engine's own error no stage was named; with
Workers catching Exception alone SystemExit took the thread with it, and the turn hung.
"""

import pytest

from audio.pcm import Samples
from tests.faults.conftest import FakedServer
from tests.faults.figures import Figure
from tests.faults.witness import ask, hear, listen, opened, speak, witnessed


@pytest.mark.parametrize("error", [RuntimeError("the words"), MemoryError(), SystemExit(3)])
async def test_this_turn_fails_by_name_and_the_next_one_works(
    server: FakedServer, spoken: Samples, figure: Figure, error: Exception
) -> None:
    """The turn is `stage_failed` with its stage; the next turn works; others are answered."""
    kind = type(error).__name__
    async with await opened(server.url) as connection:
        async with witnessed(server.url, figure):
            server.recognizer.error = error
            # What is cached calls no engine: a sound of its own here, a cleared cache below.
            await speak(connection, spoken * (0.6 + 0.02 * len(kind)))
            told = (await hear(connection, "error"))["error"]
            assert (told["code"], told["stage"], told["retryable"]) == ("stage_failed", "stt", True)
            assert "words" not in told["message"]
            assert (await listen(connection))["outcome"] == "failed"
        server.recognizer.error, server.synthesizer.error = None, error
        server.stages.tts.cache.clear()
        await ask(connection, "where may I park")
        assert (await hear(connection, "error"))["error"]["stage"] == "tts"
        assert (await listen(connection))["outcome"] == "failed"
        server.synthesizer.error = None
        await ask(connection, "where may I park")
        assert (await listen(connection))["outcome"] in ("answered", "refused")
