"""Row 34: the token is absent, wrong, or in the address.

Promise: off loopback without a token it refuses to start; tokens are compared in constant time
and never logged.

Seen to fail: with `is_let_in` always true the wrong ones got sessions; without `is_in_address`
the address was served; with websockets' own logger its DEBUG lines held the token; with the
key's subprotocol offered by `select_subprotocol` it was in the answer; with `==` between
tokens nothing was compared in constant time; without the check in
server/configuration/contradictions.py and run_serve the open door was served.
"""

import hmac
import json
import logging
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.commands.serve import run_serve
from server.door.tokens import Tokens
from server.errors import StartError
from server.settings import Settings, SettingsError, load_settings
from tests.faults.conftest import FakedServer, StartFaked
from tests.faults.witness import is_served

TOKEN = "correct-horse-battery"
WRONG = "correct-horse-batterz"
KEY = "openai-insecure-api-key."


async def status_of(url: str, **options: object) -> int:
    """The HTTP status that a handshake was refused with."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, **options)  # type: ignore[arg-type]
    return refused.value.response.status_code


def test_off_loopback_without_a_token_nothing_starts() -> None:
    """By the environment and by the command line; commas are no token."""
    for token in ("", " , "):
        with pytest.raises(SettingsError, match="set PARLEY_TOKEN"):
            load_settings({"PARLEY_HOST": "0.0.0.0", "PARLEY_TOKEN": token})
        with pytest.raises(StartError, match="set PARLEY_TOKEN"):
            run_serve(Settings(host="0.0.0.0", token=token), with_samples=False)


async def test_only_the_token_opens_and_it_is_in_no_line_and_no_answer(
    start_faked: StartFaked, caplog: pytest.LogCaptureFixture
) -> None:
    """By header and by subprotocol; with every logger at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.server"):
        caplog.set_level(logging.DEBUG, name)
    server = start_faked(token=f"{TOKEN},another-token")
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    await refuse_all_others(server)
    assert await is_served(server.url, additional_headers=bearer)
    offered = ["realtime", KEY + TOKEN]
    async with connect(server.url, subprotocols=offered) as session:  # type: ignore[arg-type]
        assert json.loads(await session.recv())["type"] == "session.created"
        assert session.response is not None
        assert session.response.headers["Sec-WebSocket-Protocol"] == "realtime"
        assert TOKEN not in str(session.response.headers)
    async with httpx.AsyncClient(headers=bearer) as client:
        base = f"http://127.0.0.1:{server.running.port}"
        told = [(await client.get(base + path)).text for path in ("/stats", "/metrics", "/health")]
    lines = [record for record in caplog.records if not record.name.startswith("websockets.client")]
    written = "\n".join([*(_everything(record) for record in lines), *told, *server.running.said])
    assert "parley_refused_sessions_total" in written
    assert TOKEN not in written
    assert WRONG not in written


async def refuse_all_others(server: FakedServer) -> None:
    """Absent, wrong and in the address; a browser is told, in an event and by 4401."""
    url, own = server.url, f"http://127.0.0.1:{server.running.port}"
    assert await status_of(url) == 401
    assert await status_of(url, additional_headers={"Authorization": f"Bearer {WRONG}"}) == 401
    assert await status_of(url, subprotocols=["realtime", KEY + WRONG]) == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert await status_of(f"{url}?token={TOKEN}") == 400
    assert await status_of(f"{url}?model={TOKEN}", additional_headers=bearer) == 400
    async with connect(url, origin=own) as browser:  # type: ignore[arg-type]
        error = json.loads(await browser.recv())["error"]
        assert error["code"] == "unauthorized"
        with pytest.raises(ConnectionClosed):
            await browser.recv()
        assert browser.close_code == 4401


def _everything(record: logging.LogRecord) -> str:
    """The line with whatever a formatter could show of it."""
    return f"{logging.Formatter().format(record)} {record.__dict__}"


@pytest.mark.parametrize("offered", [TOKEN, WRONG, "", TOKEN[:-1], f"{TOKEN}x"])
def test_every_token_is_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, offered: str
) -> None:
    """By `hmac.compare_digest`, over all of both and with every token, whatever matched before."""
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr("server.door.tokens.compare_digest", compare)
    tokens = Tokens((TOKEN, "another-token", "a"))
    assert tokens.is_one(offered) is (offered == TOKEN)
    assert compared == [(32, 32)] * 3, "digests of one length, all of them"


def test_a_doctor_shows_no_token(tmp_path: Path) -> None:
    """Nor does a mistake in it."""
    with pytest.raises(SettingsError) as error:
        load_settings({"PARLEY_TOKEN": "s3cret s3cret"})
    assert "s3cret" not in str(error.value)
