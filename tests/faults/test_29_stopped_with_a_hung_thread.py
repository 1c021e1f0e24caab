"""Row 29: SIGTERM with a hung thread.

Seen to fail: without `watchdog.start` in App.stop the process ended with 0, as if all were
well.
"""

import signal
import time
from pathlib import Path

from tests.faults.figures import Figure
from tests.faults.server_process import server_process
from tests.faults.witness import ask, opened

DRAIN_S = 0.5


async def test_it_exits_soon_after_the_drain_time_with_code_70(
    data_dir: Path, figure: Figure
) -> None:
    """Exits within the drain time and 1 s, with code 70, and says where the thread hangs."""
    async with server_process(data_dir, "hang", DRAIN_S) as server:
        connection = await opened(server.url)
        await ask(connection)
        while "content_part.added" not in str(await connection.recv()):
            pass
        started_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 70
        figure("beyond the drain time", time.monotonic() - started_s - DRAIN_S, "s")
    assert any("in synthesise" in line for line in server.said)
    assert not any("Traceback (most recent call last)" in line for line in server.said)
