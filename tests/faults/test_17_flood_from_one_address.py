"""Row 17: one address opens connections as fast as it can.

Promise: beyond the limit of an address its connections are refused, and others are served.

Seen to fail: with `Addresses.arrive` that lets everybody in, the flood held every connection it
opened; with a verdict that only tells, each of 200 got its handshake; without `leave` the
address stayed shut.
"""

import asyncio
import json
import sys
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from server.door.addresses import TOLD_BURST
from tests.faults.conftest import StartFaked
from tests.faults.figures import Figure
from tests.faults.witness import PATIENCE_S, is_served, until, witnessed

ALLOWED = 4
FLOOD = 200
OTHER: dict[str, Any] = {"local_addr": ("127.0.0.2", 0)}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127/8 without being told"
)


async def is_hung_up(reader: asyncio.StreamReader) -> bool:
    """Whether the server ended the connection; False when it leaves it open."""
    try:
        async with asyncio.timeout(0.2):
            return await reader.read(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


async def test_beyond_the_limit_it_is_refused_and_others_are_served(
    start_faked: StartFaked, figure: Figure
) -> None:
    """A few are told why, the flood is cut unread, another address is answered meanwhile."""
    server = start_faked(address_connections=ALLOWED, open_timeout_s=PATIENCE_S)
    port, addresses = server.running.port, server.running.app._door.addresses
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(ALLOWED)]
    async with connect(server.url) as told:
        error = json.loads(await told.recv())["error"]
        assert error["code"] == "at_capacity"
        assert error["retry_after_ms"] >= 1000
        with pytest.raises(ConnectionClosed):
            await told.recv()
        assert told.close_code == 1013
    async with witnessed(server.url, figure, **OTHER):
        flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(FLOOD)]
    cut = sum(await asyncio.gather(*(is_hung_up(reader) for reader, _ in flood)))
    figure(f"connections cut unread, of {FLOOD}", cut, "connections")
    assert cut > FLOOD / 2 > 2 * TOLD_BURST
    assert not any(await asyncio.gather(*(is_hung_up(reader) for reader, _ in held)))
    for _, writer in (*held, *flood):
        writer.close()
    await until(lambda: addresses.connections("127.0.0.1") == 0)
    assert await is_served(server.url)


async def test_behind_a_trusted_proxy_each_client_counts_for_itself(
    start_faked: StartFaked,
) -> None:
    """A flood through the proxy shuts out who sends it; what that one claims to be is no help."""
    server = start_faked(address_connections=1, trusted_proxies="127.0.0.1")

    def client(address: str) -> dict[str, Any]:
        return {"additional_headers": {"X-Forwarded-For": address}}

    async with connect(server.url, **client("203.0.113.1")) as first:
        assert json.loads(await first.recv())["type"] == "session.created"
        assert await is_served(server.url, **client("203.0.113.2"))
        async with connect(server.url, **client("198.51.100.9, 203.0.113.1")) as again:
            assert json.loads(await again.recv())["error"]["code"] == "at_capacity"
