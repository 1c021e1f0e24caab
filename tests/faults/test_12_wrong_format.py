"""Row 12: wrong sample rate or channel count declared.

Seen to fail: with `channels` not asked for in read_format two were taken for one; with the
resampler left at its first rate another rate was heard at the wrong speed; with any number for
a rate 7,999 was.
"""

import json
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection

from audio.pcm import Samples
from audio.resample import resample
from tests.faults.conftest import FakedServer
from tests.faults.witness import hear, listen, opened, opened_as, speak, until

PATH = "session.audio.input.format"


async def declare(connection: ClientConnection, **form: Any) -> None:
    audio = {"input": {"format": {"type": "audio/pcm", **form}}}
    await connection.send(json.dumps({"type": "session.update", "session": {"audio": audio}}))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 48_000, 96_000])
async def test_supported_rates_are_resampled(
    server: FakedServer, spoken: Samples, rate_hz: int
) -> None:
    """Supported rates are resampled: as long as it was, and understood as a question."""
    connection, session_id = await opened_as(server.url)
    async with connection:
        session = server.running.app.sessions[session_id]
        await declare(connection, rate=rate_hz, channels=1)
        assert (await hear(connection, "session.updated"))["session"]["audio"]["input"]["format"][
            "rate"
        ] == rate_hz
        told = resample(spoken, 16_000, rate_hz)
        await speak(connection, np.append(told, np.zeros(rate_hz, np.float32)))
        assert (await listen(connection))["outcome"] in ("answered", "refused")
        told_ms = len(spoken) / 16 + 1000
        await until(lambda: session._ears.heard_ms > told_ms - 150)  # It may be answered before.
        assert session._ears.heard_ms == pytest.approx(told_ms, abs=150)


@pytest.mark.parametrize(
    ("form", "field", "accepted"),
    [
        ({"rate": 7_999}, "rate", ["8000", "96000"]),
        ({"rate": 96_001}, "rate", ["8000", "96000"]),
        ({"rate": 0}, "rate", ["8000", "96000"]),
        ({"rate": -16_000}, "rate", ["8000", "96000"]),
        ({"rate": 16_000, "channels": 2}, "channels", ["1", "mono"]),
        ({"rate": 16_000, "channels": 0}, "channels", ["1"]),
        ({"type": "audio/opus"}, "type", ["audio/pcm", "audio/pcmu", "audio/pcma"]),
    ],
)
async def test_others_are_refused_listing_what_is_accepted(
    server: FakedServer, spoken: Samples, form: dict[str, Any], field: str, accepted: list[str]
) -> None:
    """Others are refused, listing what is accepted; the session goes on at its rate."""
    async with await opened(server.url) as connection:
        await declare(connection, **form)
        error = (await hear(connection, "error"))["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", f"{PATH}.{field}")
        assert all(each in error["message"] for each in accepted)
        await connection.send(json.dumps({"type": "session.update", "session": {}}))
        updated = await hear(connection, "session.updated")
        assert updated["session"]["audio"]["input"]["format"]["rate"] == 16_000
