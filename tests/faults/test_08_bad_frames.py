"""Row 8: odd byte count, empty frame.

Promise: `bad_frame`, and the session goes on; the fifth closes with 4400.

Seen to fail: with BAD_FRAMES_MAXIMUM at 500 the fifth closed nothing.
"""

import pytest
from websockets.exceptions import ConnectionClosed

from server.errors import BadFrame
from tests.faults.conftest import FakedServer
from tests.faults.figures import Figure
from tests.faults.witness import ask as ask_over
from tests.faults.witness import hear, listen, opened, witnessed
from tests.server.conftest import MakeStand
from tests.server.test_session import ask


async def test_four_are_told_and_the_session_answers(make_stand: MakeStand) -> None:
    """Odd and empty ones, binary and in base64."""
    stand = make_stand()
    stand.messages.send(b"\x01", b"", b"\x01\x02\x03")
    stand.messages.send({"type": "input_audio_buffer.append", "audio": "AQ=="})
    stand.messages.send(*ask("what does a ticket cost"))
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    codes = [event["error"]["code"] for event in stand.wire.events if event["type"] == "error"]
    assert codes == ["bad_frame"] * 4
    await stand.end()


async def test_the_fifth_closes(make_stand: MakeStand) -> None:
    """With the code for a broken protocol; good frames between them do not help."""
    stand = make_stand()
    for _ in range(5):
        stand.messages.send(b"\x01", bytes(640))
    with pytest.raises(BadFrame) as raised:
        await stand.running
    assert raised.value.close_code == 4400


async def test_over_a_socket_the_fifth_is_told_before_the_close(
    server: FakedServer, figure: Figure
) -> None:
    """An `error` event each, an answer after four, then 4400; another client is answered."""
    async with witnessed(server.url, figure):
        connection = await opened(server.url)
        for frame in (b"\x01", b"", b"\x01\x02\x03", b"\x01"):
            await connection.send(frame)
            assert (await hear(connection, "error"))["error"]["code"] == "bad_frame"
        await ask_over(connection, "what does a ticket cost")
        assert (await listen(connection))["outcome"] in ("answered", "refused")
        await connection.send(b"")
        assert (await hear(connection, "error"))["error"]["code"] == "bad_frame"
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    assert connection.close_code == 4400
