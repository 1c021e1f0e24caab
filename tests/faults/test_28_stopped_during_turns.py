"""Row 28: SIGTERM during turns.

Seen to fail: with sessions that leave without their answer the process was gone before it; with
the second signal ignored it drained to its end; without the abort in Reception.drain an unfinished
handshake held it up to the watchdog's 70; with the interpreter's own end in place of
end_process a thread at work in the background aborted it (134).
"""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.server_process import server_process
from tests.faults.witness import ask, opened


async def events_to_the_end(connection: ClientConnection) -> list[dict[str, Any]]:
    """What is still told until the server hangs up."""
    told = []
    try:
        async for message in connection:
            if isinstance(message, str):
                told.append(json.loads(message))
    except ConnectionClosed:
        pass
    return told


async def begun(connection: ClientConnection) -> None:
    """Ask, and wait for the first sound of the answer."""
    await ask(connection)
    async for message in connection:
        if isinstance(message, bytes):
            return


async def test_running_answers_finish_then_all_close_with_1012_and_exit_0(
    data_dir: Path,
) -> None:
    """New sessions refused; running answers finish within the drain time; close 1012; exit 0."""
    async with server_process(data_dir) as server:
        speaking, idle = await opened(server.url), await opened(server.url)
        await begun(speaking)
        server.process.send_signal(signal.SIGTERM)
        assert [event["error"]["code"] for event in await events_to_the_end(idle)] == [
            "server_stopping"
        ]
        ready, health = await server.get("/ready"), await server.get("/health")
        assert (ready.status_code, health.status_code) == (503, 503)
        assert health.json()["status"] == "stopping"
        async with connect(server.url) as late:
            refusal = json.loads(await late.recv())["error"]
            assert (refusal["code"], refusal["retryable"]) == ("at_capacity", True)
            with pytest.raises(ConnectionClosed):
                await late.recv()
            assert late.close_code == 1013
        told = await events_to_the_end(speaking)
        assert [event["type"] for event in told][-2:] == ["parley.turn", "error"]
        assert told[-2]["outcome"] == "answered"
        assert (idle.close_code, speaking.close_code) == (1012, 1012)
        assert await server.ended() == 0


async def test_a_second_sigterm_exits_now(data_dir: Path) -> None:
    """Whatever is being said: the drain time of the first one is not waited for."""
    async with server_process(data_dir, drain_s=300) as server:
        speaking, idle = await opened(server.url), await opened(server.url)
        await begun(speaking)
        server.process.send_signal(signal.SIGTERM)
        await events_to_the_end(idle)
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == -signal.SIGTERM
        told = await events_to_the_end(speaking)
        assert "parley.turn" not in [event["type"] for event in told]


async def test_what_does_not_end_in_time_is_cut(data_dir: Path) -> None:
    """A client that never closes and one that never finished its handshake hold nothing up."""
    async with server_process(data_dir, drain_s=0.2) as server:
        speaking = await opened(server.url)
        await begun(speaking)
        speaking.transport.pause_reading()
        silent = await asyncio.open_connection("127.0.0.1", server.port)
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 0, "".join(server.said)
        silent[1].close()
        speaking.transport.abort()


async def test_work_in_the_background_does_not_spoil_the_end(data_dir: Path) -> None:
    """Exit 0 while a thread that nobody waits for is in native code."""
    async with server_process(data_dir, "busy") as server:
        assert (await server.get("/ready")).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 0
        assert server.said[-1] == "Stopped.\n"
