"""Row 6: audio at 100x real time.

Promise: reading pauses at the bound; then `too_fast`, close 4429; another session is answered
meanwhile.

Seen to fail: with Intake._pause that never gives up the session was never closed.
"""

import asyncio
import json

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from server.session import Session
from tests.faults.figures import Figure
from tests.faults.witness import opened_as, witnessed
from tests.server.running import RunningApp

FRAME = bytes(6400)
FRAME_S = 0.2
AHEAD_MAXIMUM_S = 2.0


async def flood(connection: ClientConnection) -> float:
    """Send until the server hangs up; return the seconds of audio that left."""
    sent_s = 0.0
    try:
        while True:
            await connection.send(FRAME)
            sent_s += FRAME_S
    except ConnectionClosed:
        return sent_s


def watch_pauses(session: Session) -> list[float]:
    """Seconds for which reading is told to pause, as it happens."""
    paused_s: list[float] = []
    sleep = session._intake.sleep

    async def noted(seconds: float) -> None:
        paused_s.append(seconds)
        await sleep(seconds)

    session._intake.sleep = noted
    return paused_s


async def test_reading_pauses_at_the_bound_and_then_the_session_is_closed(
    faulted_server: RunningApp, figure: Figure
) -> None:
    """`too_fast` and 4429; what was taken is bounded; another session is answered meanwhile."""
    connection, session_id = await opened_as(faulted_server.url)
    session = faulted_server.app.sessions[session_id]
    paused_s = watch_pauses(session)
    async with witnessed(faulted_server.url, figure), asyncio.timeout(45):
        flooding = asyncio.create_task(flood(connection))
        told = [json.loads(message) async for message in _until_closed(connection)]
        await flooding
    assert told[-1]["error"]["code"] == "too_fast"
    assert connection.close_code == 4429
    # The bound, and what was let through while reading paused for a third of it.
    assert session._ears.heard_ms / 1000 < AHEAD_MAXIMUM_S * 1.7 + FRAME_S
    assert sum(paused_s) > AHEAD_MAXIMUM_S / 6, "reading paused before the session was closed"


async def _until_closed(connection: ClientConnection):  # type: ignore[no-untyped-def]
    try:
        async for message in connection:
            yield message
    except ConnectionClosed:
        return
