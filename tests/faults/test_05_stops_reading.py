"""Fault 5: a client that asks and then reads nothing more."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.faults.witness import ask, is_served, opened
from tests.server.running import RunningApp

RATE_HZ = 22_050
LEAD_S = 0.4


def small_socket(port: int) -> socket.socket:
    """A receiver that holds little, so that a stalled reader is felt soon."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


async def test_it_is_closed_as_too_slow_and_was_never_sent_more_than_the_lead(
    faulted_server: RunningApp,
) -> None:
    """Closed with 4409; another is answered meanwhile; sound left at the pace of sound."""
    sock = small_socket(faulted_server.port)
    connection = await opened(faulted_server.url, sock=sock, max_queue=1)
    started_s = time.monotonic()
    await ask(connection)
    witness = asyncio.create_task(is_served(faulted_server.url))
    async with asyncio.timeout(45):
        while "sess_000001" in faulted_server.app.sessions:
            await asyncio.sleep(0.02)
    passed_s = time.monotonic() - started_s
    assert await witness
    received = [message async for message in _until_closed(connection)]
    audio_bytes = sum(len(message) for message in received if isinstance(message, bytes))
    assert audio_bytes / 2 / RATE_HZ < passed_s + LEAD_S + 0.1
    # What never reached the stalled client includes the close itself.
    assert connection.close_code in (4409, 1006)


async def _until_closed(connection: ClientConnection) -> AsyncIterator[str | bytes]:
    try:
        async for message in connection:
            yield message
    except ConnectionClosed:
        return
