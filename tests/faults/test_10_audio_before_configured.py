"""Row 10: audio before the session is configured.

Seen to fail: with audio refused until `session.update` the question was lost; with Ears.change
keeping its resampler what followed was heard three times too slowly.
"""

import base64
import json
from collections.abc import Callable

import pytest
from websockets.asyncio.client import connect

from audio.pcm import Samples
from tests.faults.conftest import FakedServer
from tests.faults.witness import listen, opened
from tests.server.conftest import frames


def appended(frame: bytes) -> str:
    audio = base64.b64encode(frame).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})


@pytest.mark.parametrize("wrap", [bytes, appended], ids=["binary", "base64"])
async def test_it_is_heard_by_the_presets_values(
    server: FakedServer, spoken: Samples, wrap: Callable[[bytes], str | bytes]
) -> None:
    """A written result: sent before anything is read, it is a question like any other."""
    async with connect(server.url, compression=None) as connection:
        for frame in frames(spoken):
            await connection.send(wrap(frame))
        assert (await listen(connection))["outcome"] in ("answered", "refused")


async def test_what_came_before_a_change_of_rate_is_forgotten(
    server: FakedServer, spoken: Samples
) -> None:
    """Half a question at the wrong rate, then `session.update`: only what follows is heard."""
    form = {"format": {"type": "audio/pcm", "rate": 48_000}}
    update = {"type": "session.update", "session": {"audio": {"input": form}}}
    async with await opened(server.url) as connection:
        session = list(server.running.app.sessions.values())[-1]
        for frame in frames(spoken[:16_000]):
            await connection.send(frame)
        await connection.send(json.dumps(update))
        for frame in frames(spoken.repeat(3)):
            await connection.send(frame)
        assert (await listen(connection))["outcome"] in ("answered", "refused")
        heard_ms = session._ears.heard_ms
    assert heard_ms <= 1000 + len(spoken) // 16
    assert max(server.recognizer.heard) <= len(spoken)
