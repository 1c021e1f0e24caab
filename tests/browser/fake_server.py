"""Stands in for the real server: the page with its CSP, and a script. No engines, no index."""

from __future__ import annotations

import asyncio
import json
import threading
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.browser.fake_session import FakeSession, Script

WEB = Path(__file__).resolve().parents[2] / "server" / "web"
CONTENT_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


def content_security_policy(host: str) -> str:
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        f"connect-src 'self' ws://{host}; img-src 'self' data:; media-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def respond(request: Request, opening_ms: int) -> Response:
    """One file of server/web by its exact name, with that deadline in it, or 404."""
    files = {f"/{path.name}": path for path in WEB.iterdir() if path.suffix in CONTENT_TYPES}
    path = files.get("/index.html" if request.path == "/" else request.path)
    body = path.read_bytes() if path else b"Not found\n"
    body = body.replace(b"OPENING_MS = 10000;", b"OPENING_MS = %d;" % opening_ms)
    headers = Headers()
    headers["Content-Type"] = CONTENT_TYPES[path.suffix] if path else "text/plain"
    headers["Content-Length"] = str(len(body))
    headers["Content-Security-Policy"] = content_security_policy(request.headers["Host"])
    headers["X-Content-Type-Options"] = "nosniff"
    status = HTTPStatus.OK if path else HTTPStatus.NOT_FOUND
    return Response(status.value, status.phrase, headers, body)


class FakeServer:
    """Runs in its own thread while it is entered; turns `refusals` sessions away first."""

    def __init__(self, script: Script | None = None, refusals: int = 0, token: str = "") -> None:
        self.token = token
        self.is_silent = False
        """Accepts connections and then says nothing, as a process that hangs."""
        self.opening_ms = 10_000
        """How long the page that is served waits for a session."""
        self.script = script or Script()
        self.refusals_left = refusals
        self.sessions: list[FakeSession] = []
        self.base_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-server")
        self._server: Server | None = None

    def __enter__(self) -> FakeServer:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def drop_connections(self, code: int) -> None:
        """Closes every session with this code, as a server that restarts does."""
        asyncio.run_coroutine_threadsafe(self._drop(code), self._loop).result(10)

    async def _open(self) -> None:
        self._server = await serve(
            self._run_session,
            "127.0.0.1",
            0,
            process_request=lambda _connection, request: (
                None if request.path.startswith("/ws") else respond(request, self.opening_ms)
            ),
            select_subprotocol=lambda _connection, offered: next(
                (name for name in offered if name == Subprotocol("realtime")), None
            ),
            compression=None,
        )
        port = next(iter(self._server.sockets)).getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        # Handlers of connections that were aborted may have a last step to make.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=5)

    async def _drop(self, code: int) -> None:
        assert self._server is not None
        for connection in list(self._server.connections):
            await connection.close(code)

    async def _run_session(self, connection: ServerConnection) -> None:
        if self.refusals_left > 0:
            self.refusals_left -= 1
            await self._refuse(connection)
            return
        if not self._is_let_in(connection):
            await self._tell_and_close(connection, "unauthorized", 4401)
            return
        if self.is_silent:
            await connection.wait_closed()
            return
        session = FakeSession(connection, self.script)
        self.sessions.append(session)
        try:
            await session.run()
        except* ConnectionClosed:
            pass

    def _is_let_in(self, connection: ServerConnection) -> bool:
        request = connection.request
        offered = request.headers.get("Sec-WebSocket-Protocol", "") if request else ""
        return not self.token or f"openai-insecure-api-key.{self.token}" in offered.split(", ")

    async def _refuse(self, connection: ServerConnection) -> None:
        await self._tell_and_close(connection, "at_capacity", 1013, retry_after_ms=700)

    async def _tell_and_close(
        self, connection: ServerConnection, code: str, close_code: int, **fields: int
    ) -> None:
        message = "All places are taken. Please try again in a moment."
        error = {"type": "server_error", "code": code, "message": message, **fields}
        await connection.send(json.dumps({"type": "error", "event_id": "e", "error": error}))
        await connection.close(close_code, code)
