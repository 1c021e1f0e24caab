"""Row 27: native crash of a worker.

Seen to fail: without `faulthandler.enable()` in run_serve nothing told where it died; with a lock
that is a file's being there no document was taken after the restart; with `TimeoutStopSec=5` the
unit would have killed it before the watchdog could tell where it hangs. That the exit is not zero
is the kernel's doing: there is nothing of ours to take away.
"""

import base64
import configparser
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from server.settings import CHECKOUT, Settings
from server.watching.watchdog import GRACE_S
from tests.faults.faulty_server import CRASHING
from tests.faults.server_process import ServerProcess, server_process
from tests.faults.witness import ask, hear, is_served, opened

FERRIES = b"# Ferries\n\nThe ferry to Ostrey sails at seven and costs nine crowns.\n"


async def upload(connection: ClientConnection, name: str, content: bytes) -> None:
    about = {"upload_id": "u", "name": name, "size_bytes": len(content)}
    piece = base64.b64encode(content).decode()
    await connection.send(json.dumps({"type": "parley.upload.begin", **about}))
    await connection.send(
        json.dumps({"type": "parley.upload.append", "upload_id": "u", "data": piece})
    )
    await connection.send(json.dumps({"type": "parley.upload.end", "upload_id": "u"}))


async def stored(server: ServerProcess) -> dict[str, Any]:
    index: dict[str, Any] = (await server.get("/health")).json()["index"]
    return {name: index[name] for name in ("documents", "passages")}


@pytest.mark.timeout(150)  # Two servers start, one after the other.
async def test_the_process_exits_non_zero_and_restarts_clean(data_dir: Path) -> None:
    """The process exits non-zero and restarts clean; ingested data intact."""
    async with server_process(data_dir, "crash") as server:
        before = await stored(server)
        assert before["passages"] > 40
        connection = await opened(server.url)
        await upload(connection, "ferries.md", FERRIES)
        told = (await hear(connection, "parley.upload.done"))["index"]
        assert told["documents"] == before["documents"] + 1
        await ask(connection)
        assert await server.ended() == -signal.SIGSEGV
        assert any("in synthesise" in line for line in server.said), "faulthandler says where"
    async with server_process(data_dir) as restarted:
        assert await stored(restarted) == told
        assert await is_served(restarted.url)


@pytest.mark.timeout(150)  # Two servers start, one after the other.
async def test_a_crash_over_a_document_leaves_the_store_as_it_was(data_dir: Path) -> None:
    """The document is in or out, whole; the next one is taken, for the dead hold no lock."""
    async with server_process(data_dir, "crash-reading") as server:
        before = await stored(server)
        connection = await opened(server.url)
        await upload(connection, "crash.md", f"# A {CRASHING} fault\n\nIt ends here.".encode())
        assert await server.ended() == -signal.SIGSEGV
        assert any("in embed" in line for line in server.said), "faulthandler says where"
    async with server_process(data_dir) as restarted:
        assert await stored(restarted) == before
        connection = await opened(restarted.url)
        await upload(connection, "ferries.md", FERRIES)
        told = (await hear(connection, "parley.upload.done"))["index"]
        assert told["documents"] == before["documents"] + 1


def test_the_unit_restarts_it_and_leaves_it_time_to_stop() -> None:
    """docs/operations/parley.service: `Restart=on-failure`, more patience than the watchdog has."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(CHECKOUT / "docs" / "operations" / "parley.service")
    service = unit["Service"]
    assert service["Restart"] == "on-failure"
    assert service["ExecStart"].endswith("parley serve")
    assert float(service["TimeoutStopSec"]) > Settings().drain_timeout_s + GRACE_S
