"""What one client may make the server hold unread, by bytes and not by frames alone."""

import asyncio
import base64
import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from server.door.connection import GuardedConnection
from server.door.unread import UNREAD_BYTES, Unread
from server.reception import Reception
from server.wire.dialect import OWN_MESSAGE_BYTES, STOCK_MESSAGE_BYTES, STOCK_PATH
from tests.faults.conftest import StartFaked, start_faked
from tests.faults.witness import until

__all__ = ["start_faked"]

LARGE = json.dumps({"type": "input_audio_buffer.append", "audio": "A" * (2 << 20)})
FRAMES = 12


class Switch:
    """Counts what a transport is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def unread(self, limit_bytes: int) -> Unread:
        return Unread(
            4, 1, lambda: self.told.append("pause"), lambda: self.told.append("resume"), limit_bytes
        )


def frame(size_bytes: int) -> Frame:
    return Frame(Opcode.BINARY, bytes(size_bytes))


async def test_one_large_message_pauses_reading_until_it_is_taken() -> None:
    """Four small ones do not, and a fifth does, as before."""
    switch = Switch()
    unread = switch.unread(100)
    for _ in range(4):
        unread.put(frame(10))
    assert not switch.told
    unread.put(frame(10))
    assert switch.told == ["pause"]
    for _ in range(5):
        await unread.get()
    assert switch.told == ["pause", "resume"]
    unread.put(frame(101))
    assert switch.told == ["pause", "resume", "pause"]
    assert unread.size_bytes == 101
    await unread.get()
    assert switch.told[3:] == ["resume"]


async def test_it_stays_paused_while_what_is_left_is_large() -> None:
    """Fewer frames alone do not open it again."""
    switch = Switch()
    unread = switch.unread(100)
    for size_bytes in (1, 1, 101):
        unread.put(frame(size_bytes))
    await unread.get()
    await unread.get()
    assert switch.told == ["pause"]
    await unread.get()
    assert switch.told == ["pause", "resume"]


async def test_a_session_that_is_not_read_holds_one_large_message(
    start_faked: StartFaked,
) -> None:
    """Of twelve, while its pace keeps the server from reading; the rest waits with the client."""
    server = start_faked(session_bytes_a_second=1)
    async with connect(server.url.replace("/ws", STOCK_PATH), max_size=None) as client:
        session_id = json.loads(await client.recv())["session"]["id"]
        connection = server.running.app.sessions[session_id]._outbox._wire
        assert isinstance(connection, GuardedConnection)
        unread = connection.recv_messages
        assert isinstance(unread, Unread)
        sending = asyncio.create_task(_send_all(client))
        await until(lambda: unread.paused)
        await asyncio.sleep(0.2)  # What would come in, were reading not paused, comes now.
        assert UNREAD_BYTES < unread.size_bytes <= UNREAD_BYTES + len(LARGE)
        sending.cancel()
        client.transport.abort()


async def test_more_audio_than_one_event_may_hold_is_told_and_the_session_goes_on(
    start_faked: StartFaked,
) -> None:
    """16 MiB name the field; 15 MiB are taken."""
    server = start_faked()
    async with connect(server.url.replace("/ws", STOCK_PATH), max_size=None) as client:
        assert json.loads(await client.recv())["type"] == "session.created"
        for size_bytes in (16 << 20, 15 << 20):
            audio = base64.b64encode(bytes(size_bytes)).decode()
            append = {"type": "input_audio_buffer.append", "event_id": str(size_bytes)}
            await client.send(json.dumps(append | {"audio": audio}))
        await client.send(json.dumps({"type": "input_audio_buffer.clear"}))
        told = [json.loads(await client.recv()) for _ in range(2)]
        assert [each["type"] for each in told] == ["error", "input_audio_buffer.cleared"]
        error = told[0]["error"]
        assert (error["param"], error["event_id"]) == ("audio", str(16 << 20))


async def test_who_is_not_let_in_may_send_little(
    start_faked: StartFaked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a path of large messages too: the limit grows with the session."""
    server, admit = start_faked(), Reception.admit
    seen: list[int | None] = []

    def look_and_admit(reception: Reception) -> None:
        seen.extend(each.protocol.max_message_size for each in reception.connections._made)
        admit(reception)

    monkeypatch.setattr(Reception, "admit", look_and_admit)
    async with connect(server.url.replace("/ws", STOCK_PATH)) as client:
        await client.recv()
        assert seen == [OWN_MESSAGE_BYTES]
        (connection,) = server.running.app._reception.connections._made
        assert connection.protocol.max_message_size == STOCK_MESSAGE_BYTES


async def _send_all(client: ClientConnection) -> None:
    for _ in range(FRAMES):
        await client.send(LARGE)
