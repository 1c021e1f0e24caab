"""A whole server behind its door: over TLS, and under a flood of events."""

import asyncio
import json
import ssl
from pathlib import Path

import httpx
import pytest
import trustme
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.client import Conversation, NoServer
from server.door.tls import TlsError, trust_in
from tests.faults.conftest import StartFaked, start_faked
from tests.faults.witness import is_served
from tests.server.door.test_tls import write_pair

__all__ = ["start_faked"]

TOKEN = "correct-horse-battery"


async def test_page_reports_and_socket_over_tls(start_faked: StartFaked, tmp_path: Path) -> None:
    """The page to everybody, reports and the socket to who has the token; as a browser sends it."""
    authority = trustme.CA()
    certificate, key = write_pair(tmp_path / "tls", authority, "127.0.0.1")
    server = start_faked(tls_cert=certificate, tls_key=key, token=TOKEN)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    base = f"https://127.0.0.1:{server.running.port}"
    async with httpx.AsyncClient(base_url=base, verify=trust) as browser:
        page = await browser.get("/")
        assert page.status_code == 200
        assert page.headers["Strict-Transport-Security"]
        assert (await browser.get("/stats")).status_code == 401
        assert (await browser.get("/health")).json() == {"status": "ok"}
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await browser.get("/stats", headers=bearer)).status_code == 200
    url = f"wss://127.0.0.1:{server.running.port}/ws"
    offered = ["realtime", f"openai-insecure-api-key.{TOKEN}"]
    assert await is_served(url, ssl=trust, origin=base, subprotocols=offered)
    async with await Conversation.open(url, TOKEN, trust=trust_in(certificate)):
        pass
    with pytest.raises(NoServer):
        await Conversation.open(url, TOKEN)


def test_files_that_cannot_be_used_refuse_the_start(
    start_faked: StartFaked, tmp_path: Path
) -> None:
    """Before anything is loaded, naming the file."""
    with pytest.raises(TlsError, match=r"PARLEY_TLS_CERT: .*none.pem cannot be read"):
        start_faked(tls_cert=str(tmp_path / "none.pem"), tls_key=str(tmp_path / "none.pem"))


async def test_a_flood_of_events_is_paused_then_closed(start_faked: StartFaked) -> None:
    """`too_fast` and 4429; what is read of it is bounded, and somebody else is served meanwhile."""
    server = start_faked(session_messages_a_second=5)
    async with connect(server.url, max_queue=None) as flood:
        sending = asyncio.create_task(_send_for_ever(flood))
        witness = asyncio.create_task(is_served(server.url))
        told = await _told_until_closed(flood)
        assert await witness
        sending.cancel()
        assert told[-1] == "too_fast"
        assert flood.close_code == 4429
        assert len(told) < 5 * (10 + 5 + 2)


async def _send_for_ever(connection: ClientConnection) -> None:
    try:
        while True:
            await connection.send(json.dumps({"type": "nonsense"}))
    except ConnectionClosed:
        return


async def _told_until_closed(connection: ClientConnection) -> list[str]:
    codes = []
    try:
        async with asyncio.timeout(50):
            async for message in connection:
                codes.append(json.loads(message).get("error", {}).get("code", ""))
    except ConnectionClosed:
        pass
    return codes
