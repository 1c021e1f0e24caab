"""Row 39: event loop blocked 200 ms.

Seen to fail: with a lead of 40 ms the answer had a gap; with the governor not telling its
lateness no lag was measured.
"""

import json
import time

import pytest

from benchmarks.playback import Playback
from server.watching.series import Series
from tests.faults.conftest import FakedServer, StartFaked
from tests.faults.figures import Figure
from tests.faults.witness import ask, opened

BLOCK_S = 0.2
ENOUGH_S = 0.8
"""Of sound before the block, so that the lead is built up."""
UNDISTURBED_MS = 330.0
"""A lag beyond it is not the block's alone: the machine did not let the server run."""
ATTEMPTS = 6


async def played_over_a_block(server: FakedServer, question: str) -> tuple[float, float]:
    """Block the loop during an answer; return the longest gap heard and the lag measured."""
    app = server.running.app
    assert app._loop is not None
    # What disturbed an earlier attempt is none of this one's.
    app._shared.metrics._loop_lag = Series()
    connection = await opened(server.url)
    await ask(connection, question)
    playback, is_blocked = Playback(server.synthesizer.rate_hz), False
    async for message in connection:
        if isinstance(message, bytes):
            playback.arrive(time.monotonic(), message)
            if playback.duration_s > ENOUGH_S and not is_blocked:
                is_blocked = True
                app._loop.call_soon_threadsafe(time.sleep, BLOCK_S)
        elif (report := json.loads(message))["type"] == "parley.turn":
            break
    await connection.close()
    assert is_blocked, report
    return playback.longest_gap_ms, app._shared.metrics.loop_lag_ms()


async def test_it_is_measured_and_playback_survives(
    start_faked: StartFaked, figure: Figure
) -> None:
    """Measured as loop lag; playback survives thanks to the lead."""
    # One that others asked before may have this answer's sound, and a short one.
    server = start_faked()
    server.synthesizer.character_ms = 40
    for attempt in range(ATTEMPTS):
        gap_ms, lag_ms = await played_over_a_block(server, f"how do I get to platform {attempt}")
        assert lag_ms >= BLOCK_S * 1000 / 2
        if lag_ms < UNDISTURBED_MS:
            figure("loop lag", lag_ms, "ms")
            figure("longest gap", gap_ms, "ms")
            assert gap_ms == 0
            return
    pytest.skip(f"this machine stands still for {lag_ms:.0f} ms by itself")
