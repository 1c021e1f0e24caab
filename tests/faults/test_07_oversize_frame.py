"""Row 7: oversize frame.

Seen to fail: without a largest message the frame was taken and nothing was closed; without
`_tell_before_too_large` the close came without a word.
"""

import pytest
from websockets.exceptions import ConnectionClosed

from tests.faults.conftest import FakedServer
from tests.faults.figures import Figure
from tests.faults.witness import hear, opened, witnessed

TOO_MUCH = 64 * 1024 + 2


@pytest.mark.parametrize("frame", [bytes(TOO_MUCH), "x" * TOO_MUCH, [bytes(40_000)] * 2])
async def test_it_is_closed_with_1009_and_nobody_else_notices(
    server: FakedServer, figure: Figure, frame: bytes | str | list[bytes]
) -> None:
    """Told, then close 1009: for audio, text, and in fragments; the witness is unaffected."""
    before = await server.settled()
    async with witnessed(server.url, figure):
        connection = await opened(server.url)
        await connection.send(frame)
        assert (await hear(connection, "error"))["error"]["code"] == "message_too_large"
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    assert connection.close_code == 1009
    assert await server.is_back_at(before)


async def test_the_largest_frame_is_heard(server: FakedServer) -> None:
    """64 KiB: 2 s of silence at once."""
    connection = await opened(server.url)
    await connection.send(bytes(64 * 1024))
    await connection.close()
    assert connection.close_code == 1000
