"""Row 27: native crash of a worker.

Seen to fail: without `faulthandler.enable()` in run_serve nothing told where it died; with
`TimeoutStopSec=5` the unit would have killed it before the watchdog could tell where it hangs.
"""

import configparser
import shutil
import signal
from pathlib import Path

from server.settings import CHECKOUT, Settings
from server.watching.watchdog import GRACE_S
from tests.faults.server_process import server_process
from tests.faults.witness import ask, is_served, opened


async def test_the_process_exits_non_zero_and_restarts_clean(
    prepared_data_dir: Path, tmp_path: Path
) -> None:
    """The process exits non-zero and restarts clean; ingested data intact."""
    data_dir = shutil.copytree(prepared_data_dir, tmp_path / "data")
    async with server_process(data_dir, "crash") as server:
        before = (await server.get("/health")).json()["index"]
        connection = await opened(server.url)
        await ask(connection)
        assert await server.ended() == -signal.SIGSEGV
        assert any("in synthesise" in line for line in server.said), "faulthandler says where"
    async with server_process(data_dir) as restarted:
        assert (await restarted.get("/health")).json()["index"] == before
        assert before["passages"] > 40
        assert await is_served(restarted.url)


def test_the_unit_restarts_it_and_leaves_it_time_to_stop() -> None:
    """docs/operations/parley.service: `Restart=on-failure`, more patience than the watchdog has."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(CHECKOUT / "docs" / "operations" / "parley.service")
    service = unit["Service"]
    assert service["Restart"] == "on-failure"
    assert service["ExecStart"].endswith("parley serve")
    assert float(service["TimeoutStopSec"]) > Settings().drain_timeout_s + GRACE_S
