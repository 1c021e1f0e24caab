"""server/configuration/reloader.py: read anew, checked whole, put into effect or told."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import InvalidStatus

from server.configuration.live import LiveSettings
from server.configuration.reloader import Outcome, Reloader
from server.door.tls import Tls
from server.settings import Settings, load_settings
from tests.faults.conftest import StartFaked, start_faked
from tests.faults.server_process import PATIENCE_S, ServerProcess
from tests.faults.witness import ask, is_served, listen, opened, until
from tests.server.door.test_tls import write_pair

__all__ = ["start_faked"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "parley.env"
    path.write_text("PARLEY_SESSIONS_MAXIMUM=8\n")
    return path


def write(file: Path, text: str) -> None:
    file.write_text(text)


def read(file: Path) -> str:
    return file.read_text()


def reloader_of(file: Path) -> tuple[Reloader, list[Settings]]:
    """One that reads the file, and what was put into effect."""
    put: list[Settings] = []

    def load() -> Settings:
        return load_settings({"PARLEY_SETTINGS_FILE": str(file)}).settings

    return Reloader(LiveSettings(load(), [put.append]), load, look_s=0.02), put


async def test_what_changed_is_put_into_effect_and_told(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log by name, without values, and in /stats."""
    reloader, put = reloader_of(file)
    write(file, "PARLEY_TOKEN=s3cret\nPARLEY_LEAD_MS=200\nPARLEY_PORT=1\n")
    await reloader.reload()
    assert (put[0].token, put[0].lead_ms, put[0].port) == ("s3cret", 200, 8765)
    assert reloader.plain() | {"at_unix_s": 0} == {
        "reloads": 1,
        "outcome": "applied",
        "at_unix_s": 0,
        "changed_now": ["PARLEY_TOKEN"],
        "changed_for_new_sessions": ["PARLEY_LEAD_MS"],
        "waiting_for_restart": ["PARLEY_PORT"],
        "problems": [],
    }
    told = caplog.records[-1].getMessage()
    assert "now PARLEY_TOKEN; for new sessions PARLEY_LEAD_MS; after a restart PARLEY_PORT" in told
    assert "s3cret" not in told


async def test_one_mistake_and_nothing_changes(file: Path) -> None:
    """All mistakes are told; what was right beside them is not taken either."""
    reloader, put = reloader_of(file)
    write(file, "PARLEY_SESSIONS_MAXIMUM=3\nPARLEY_LEAD_MS=x\nPARLEY_LAED_MS=5\n")
    await reloader.reload()
    assert not put
    assert reloader.live.current.sessions_maximum == 8
    assert reloader.last is not None
    assert reloader.last.outcome is Outcome.REFUSED
    assert len(reloader.last.problems) == 2


async def test_a_certificate_that_cannot_be_used_changes_nothing_either(
    file: Path, tmp_path: Path
) -> None:
    """Half a renewal is told, and the settings beside it wait for the whole one."""
    tls = Tls.load(*write_pair(tmp_path / "tls", trustme.CA()))
    reloader, put = reloader_of(file)
    reloader.tls = tls
    write(file, "PARLEY_SESSIONS_MAXIMUM=3\n")
    assert tls is not None
    key = read(tls.key)
    write(tls.key, "none")
    await reloader.reload()
    assert not put
    assert reloader.last is not None
    assert "PARLEY_TLS_KEY" in reloader.last.problems[0]
    write(tls.key, key)
    await reloader.reload()
    assert put[-1].sessions_maximum == 3


async def test_a_changed_file_is_read_once_it_stands_still(file: Path) -> None:
    """Without a signal; a mistake is told once, not at every look."""
    reloader, put = reloader_of(file)
    running = asyncio.create_task(reloader.run())
    await asyncio.sleep(0)
    await until(lambda: _has_looked(reloader))
    write(file, "PARLEY_SESSIONS_MAXIMUM=3\n")
    await until(lambda: bool(put))
    assert put[-1].sessions_maximum == 3
    write(file, "PARLEY_SESSIONS_MAXIMUM=none\n")
    await until(lambda: reloader.last is not None and reloader.last.outcome is Outcome.REFUSED)
    count = reloader.count
    reloader.ask()
    await until(lambda: reloader.count == count + 1)
    assert reloader.count == count + 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _has_looked(reloader: Reloader) -> bool:
    return reloader.looks > 1


async def test_a_session_keeps_what_it_began_with_and_the_next_has_the_new(
    start_faked: StartFaked,
) -> None:
    """Nobody is cut off: the running session answers as before, beside one under new settings."""
    server = start_faked(sessions_maximum=2)
    app = server.running.app
    first = await opened(server.url)
    wanted = replace(app.settings, sessions_maximum=1, idle_timeout_s=7.0, port=1)
    app._reloader.load = lambda: wanted
    assert app._loop is not None
    app._loop.call_soon_threadsafe(app._reloader.ask)
    await until(lambda: app._reloader.last is not None)
    stats = json.loads(server.running.get("/stats")[1])
    assert stats["settings"]["changed_now"] == ["PARLEY_SESSIONS_MAXIMUM"]
    assert stats["settings"]["waiting_for_restart"] == ["PARLEY_PORT"]
    assert b"parley_sessions_maximum 1.0" in app._shared.metrics.render()
    assert server.running.get("/ready")[0] == 503
    await ask(first)
    assert (await listen(first))["outcome"] == "answered"
    idle_s = [session._shared.settings.idle_timeout_s for session in app.sessions.values()]
    assert idle_s == [600.0]
    await first.close()
    await until(lambda: not app.sessions)
    second = await opened(server.url)
    idle_s = [session._shared.settings.idle_timeout_s for session in app.sessions.values()]
    assert idle_s == [7.0]
    await second.close()


async def test_a_real_server_reads_its_file_at_sighup(file: Path, data_dir: Path) -> None:
    """`parley serve --port 0`: a new token opens, the old one no longer, and a session lives on."""
    write(file, "PARLEY_TOKEN=one\nPARLEY_CACHE_DISK=0\nPARLEY_CALIBRATION=off\n")
    environment = {"PARLEY_SETTINGS_FILE": str(file), "PARLEY_DATA_DIR": str(data_dir)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.cli", "serve", "--port", "0"),
        env={**os.environ, **environment, "PARLEY_OFFLINE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    server = ServerProcess(process)
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await server.read_to(r"Open http://\S+:(\d+)")
            assert found is not None, server.said
            server.port = int(found[1])
            session = await opened(server.url, additional_headers={"Authorization": "Bearer one"})
            write(file, "PARLEY_TOKEN=two\nPARLEY_CACHE_DISK=1\nPARLEY_CALIBRATION=off\n")
            process.send_signal(signal.SIGHUP)
            assert await server.read_to("now PARLEY_TOKEN; .* after a restart PARLEY_CACHE_DISK")
            await (
                await opened(server.url, additional_headers={"Authorization": "Bearer two"})
            ).close()
            with pytest.raises(InvalidStatus, match="401"):
                await is_served(server.url, additional_headers={"Authorization": "Bearer one"})
            await session.send(json.dumps({"type": "session.update", "session": {}}))
            await session.recv()
            await session.close()
            process.terminate()
            assert await server.ended() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
