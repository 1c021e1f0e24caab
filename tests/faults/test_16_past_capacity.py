"""Row 16: more sessions than there are places.

Promise: the first N work; the others get `at_capacity` with `retry_after_ms` and close 1013
within 50 ms; a freed place is given again.

Seen to fail: without the check in Admission all were let in; with a refusal that waits for a
stage it came only once the held voice had given up; with the place kept after the close it was
never given again.
"""

import asyncio
import json
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.faults.conftest import StartFaked
from tests.faults.figures import Figure
from tests.faults.witness import ask, is_served, listen, opened, until

PLACES = 3
TOO_MANY = 30


async def refused(url: str) -> float:
    """Be refused in the way that is promised; return the milliseconds from handshake to event."""
    async with connect(url, compression=None) as connection:
        began_s = time.monotonic()
        error = json.loads(await connection.recv())["error"]
        took_ms = (time.monotonic() - began_s) * 1000
        assert error["code"] == "at_capacity"
        assert error["retryable"] is True
        assert error["retry_after_ms"] > 0
        try:
            await connection.recv()
        except ConnectionClosed:
            assert connection.close_code == 1013
            return took_ms
    raise AssertionError("it was not closed")


async def test_the_first_work_and_the_others_are_told_when_to_come_back(
    start_faked: StartFaked, figure: Figure
) -> None:
    """Refused at once though every thread of the voice hangs; a freed place is given again."""
    server = start_faked(sessions_maximum=PLACES)
    server.synthesizer.go.clear()
    working = [await opened(server.url) for _ in range(PLACES)]
    for connection in working:
        await ask(connection)
    await until(lambda: bool(server.synthesizer.sentences))
    async with asyncio.timeout(30):
        took_ms = await asyncio.gather(*(refused(server.url) for _ in range(TOO_MANY)))
    figure(f"slowest of {TOO_MANY} refusals at once", max(took_ms), "ms")
    assert len(server.running.app.sessions) == PLACES
    server.synthesizer.go.set()
    turns = await asyncio.gather(*(listen(connection) for connection in working))
    assert {turn["outcome"] for turn in turns} == {"answered"}
    await working.pop().close()
    await until(lambda: len(server.running.app.sessions) < PLACES)
    assert await is_served(server.url)
    for connection in working:
        await connection.close()
