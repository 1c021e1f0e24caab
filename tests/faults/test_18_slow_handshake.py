"""Row 18: handshakes that never end, a byte at a time.

Promise: closed at the open timeout; real clients connect meanwhile.

Seen to fail: with `open_timeout=None` in App._listen the slow ones were still there when the
test's patience ended.
"""

import asyncio
from contextlib import suppress

from tests.faults.conftest import StartFaked
from tests.faults.figures import Figure
from tests.faults.witness import is_served, until, witnessed

SLOW = 40
REQUEST = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 4000


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte at a time until the server hangs up."""
    with suppress(ConnectionError):
        for position in range(len(REQUEST)):
            writer.write(REQUEST[position : position + 1])
            await writer.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    if await reader.read(1) == b"":
                        break
    writer.close()


async def test_they_are_closed_at_the_open_timeout_and_others_connect_meanwhile(
    start_faked: StartFaked, figure: Figure
) -> None:
    """Silent ones and dripping ones; nothing of them is left, and a real client is answered."""
    server = start_faked(open_timeout_s=1.0)
    app = server.running.app
    slow = [await asyncio.open_connection("127.0.0.1", server.running.port) for _ in range(SLOW)]
    await until(lambda: app._door.addresses.connections("127.0.0.1") == SLOW)
    dripping = [asyncio.create_task(drip(*each)) for each in slow[: SLOW // 2]]
    assert await is_served(server.url)
    async with witnessed(server.url, figure), asyncio.timeout(30):
        await asyncio.gather(*dripping)
        for reader, writer in slow[SLOW // 2 :]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
    await until(lambda: app._door.addresses.connections("127.0.0.1") == 0)
