"""Row 7: oversize frame.

Seen to fail: with `max_size=None` the frame was taken and nothing was closed.
"""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from tests.faults.conftest import FakedServer
from tests.faults.witness import is_served, opened

TOO_MUCH = 64 * 1024 + 2


@pytest.mark.parametrize("frame", [bytes(TOO_MUCH), "x" * TOO_MUCH, [bytes(40_000)] * 2])
async def test_it_is_closed_with_1009_and_nobody_else_notices(
    server: FakedServer, frame: bytes | str | list[bytes]
) -> None:
    """Close 1009, for audio, for text, and in fragments; the witness is unaffected."""
    before, witness = await server.settled(), asyncio.create_task(is_served(server.url))
    connection = await opened(server.url)
    await connection.send(frame)
    with pytest.raises(ConnectionClosed):
        await connection.recv()
    assert connection.close_code == 1009
    assert await witness
    assert await server.is_back_at(before)


async def test_the_largest_frame_is_heard(server: FakedServer) -> None:
    """64 KiB: 2 s of silence at once."""
    connection = await opened(server.url)
    await connection.send(bytes(64 * 1024))
    await connection.close()
    assert connection.close_code == 1000
