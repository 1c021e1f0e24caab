"""Row 5: client stops reading.

Promise: never more than the lead (400 ms) of audio ahead; then `too_slow`, close 4409; under 1
MB waits for it.

Seen to fail: without the deadline in Outbox._send the session stayed; with Pacer.wait_s always
0 the audio was 1.8 s ahead.
"""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from server.session import Session
from tests.faults.figures import Figure
from tests.faults.witness import ask, opened_as, witnessed
from tests.server.running import RunningApp

LEAD_S = 0.4
FRAME_S = 0.045
MEMORY_BYTES = 1_000_000


def small_socket(port: int) -> socket.socket:
    """A receiver that holds little, so that a stalled reader is felt soon."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


def watch_lead(session: Session) -> list[float]:
    """Seconds of audio that are ahead of the clock after each frame, as they are sent."""
    leads_s: list[float] = []
    outbox, began_s, sent_s = session._outbox, 0.0, 0.0
    note = outbox.on_audio

    def sent(pcm: bytes, rate_hz: int) -> None:
        nonlocal began_s, sent_s
        began_s = began_s or time.monotonic()
        sent_s += len(pcm) / 2 / rate_hz
        leads_s.append(sent_s - (time.monotonic() - began_s))
        note(pcm, rate_hz)

    outbox.on_audio = sent
    return leads_s


async def test_it_is_closed_as_too_slow_and_was_never_sent_more_than_the_lead(
    faulted_server: RunningApp, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """Never more than the lead ahead; then `too_slow`, close 4409; under 1 MB waits for it."""
    caplog.set_level(logging.INFO)
    sock = small_socket(faulted_server.port)
    connection, session_id = await opened_as(faulted_server.url, sock=sock, max_queue=1)
    waiting_bytes, leads_s = 0, watch_lead(faulted_server.app.sessions[session_id])
    async with witnessed(faulted_server.url, figure), asyncio.timeout(45):
        await ask(connection)
        while (session := faulted_server.app.sessions.get(session_id)) is not None:
            wire: Any = session._outbox._wire
            waiting_bytes = max(waiting_bytes, wire.transport.get_write_buffer_size())
            await asyncio.sleep(0.02)
    figure("most audio ahead", max(leads_s) * 1000, "ms")
    assert max(leads_s) < LEAD_S + FRAME_S
    figure("most that waited to be sent", waiting_bytes / 1000, "kB")
    assert waiting_bytes < MEMORY_BYTES
    assert f"{session_id}: closed with 4409 too_slow" in caplog.text
    async for _ in _until_closed(connection):
        pass
    # What never reached the stalled client includes the close itself.
    assert connection.close_code in (4409, 1006)


async def _until_closed(connection: ClientConnection) -> AsyncIterator[str | bytes]:
    try:
        async for message in connection:
            yield message
    except ConnectionClosed:
        return
