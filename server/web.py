"""HTTP on the same port: the page, /health, /ready, /metrics, /stats, and who may open a socket.

Allow-listed paths only, read once at start: no path reaches the file system. Who may come in is
judged in server/door/.
"""

import http
import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from server.door.doorkeeper import Doorkeeper
from server.door.names import Origin
from server.door.rules import NoToken, Refused, check_subprotocols, header
from server.errors import AtCapacity, SessionError, Unauthorized
from server.wire.dialect import OWN_PATH, STOCK_PATH

WEB_DIR = Path(__file__).parent / "web"
SOCKET_PATHS = (OWN_PATH, STOCK_PATH)

_TYPES = {".js": "text/javascript", ".html": "text/html", ".css": "text/css"}
HSTS_S: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a GET."""

    body: bytes
    content_type: str
    status: int = 200


Report = Callable[[], Page]


class Visitor(Protocol):
    """The connection that a request came by."""

    refusal: SessionError | None
    """Set for a socket that is to be accepted, told this and closed: browsers see nothing else."""

    def admit(self, request: Request) -> SessionError | None:
        """Return why its address may have no connection more."""
        ...


def json_page(content: Mapping[str, object], status: int = 200) -> Page:
    """Return a JSON answer."""
    return Page(json.dumps(content, indent=1).encode(), "application/json", status)


class Web:
    """Answers HTTP requests; None lets a WebSocket handshake through.

    `public` are the reports that are given to who has no token, instead of those in `reports`.
    """

    def __init__(
        self,
        door: Doorkeeper,
        reports: Mapping[str, Report],
        public: Mapping[str, Report] | None = None,
    ) -> None:
        self._door = door
        self._reports = dict(reports)
        self._public = dict(public or {})
        self._files = _read_files(WEB_DIR)

    def respond(self, request: Request, visitor: Visitor | None = None) -> Response | None:
        """Answer a request, or None when it may become a WebSocket."""
        path = request.path.partition("?")[0]
        try:
            origin = self._door.rules.check(request)
            too_many = visitor.admit(request) if visitor is not None else None
            if path in SOCKET_PATHS:
                self._check_socket(request, visitor, too_many)
                return None
            if isinstance(too_many, AtCapacity):
                return self._too_many(too_many)
            return self._answer(path, request, origin)
        except Refused as refused:
            return self._refuse(refused)

    def _check_socket(
        self, request: Request, visitor: Visitor | None, too_many: SessionError | None
    ) -> None:
        """Let the handshake through; `visitor.refusal` then tells what ends it. Raises Refused."""
        if "websocket" not in header(request.headers, "Upgrade").lower():
            raise Refused(426, "This path speaks WebSocket.")
        check_subprotocols(request.headers)
        refusal = too_many
        try:
            self._door.rules.check_token(request.headers)
        except NoToken as refused:
            self._door.count_refused(Unauthorized.code)
            # A browser is not told of a refused handshake; a program is, and that costs less.
            if visitor is None or not header(request.headers, "Origin"):
                raise
            refusal = refusal or Unauthorized(str(refused))
        if visitor is not None:
            visitor.refusal = refusal

    def _answer(self, path: str, request: Request, origin: Origin | None) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "GET and HEAD are answered here.")
        page = self._page(path, request.headers)
        headers = self._headers(page, header(request.headers, "Host"))
        if origin is not None:
            headers["Access-Control-Allow-Origin"] = header(request.headers, "Origin")
            headers["Vary"] = "Origin"
        body = b"" if request.method == "HEAD" else page.body
        return Response(page.status, http.HTTPStatus(page.status).phrase, headers, body)

    def _page(self, path: str, headers: Headers) -> Page:
        """Return what is at the path. Raises Refused without a token where one is needed."""
        if path in self._files:
            return self._files[path]
        rules = self._door.rules
        if path in self._public and not rules.tokens.is_let_in(headers):
            return self._public[path]()
        if path not in self._reports:
            raise Refused(404, "There is nothing at this path.")
        rules.check_token(headers)
        return self._reports[path]()

    def _refuse(self, refused: Refused) -> Response:
        response = self._plain(refused.status, str(refused))
        if refused.status == http.HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Bearer realm="Parley"'
        if refused.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = "GET, HEAD"
        return response

    def _too_many(self, refusal: AtCapacity) -> Response:
        response = self._plain(429, str(refusal))
        response.headers["Retry-After"] = str(-(-refusal.retry_after_ms // 1000))
        return response

    def _plain(self, status: int, text: str) -> Response:
        page = Page(f"{text}\n".encode(), "text/plain", status)
        phrase = http.HTTPStatus(status).phrase
        return Response(status, phrase, self._headers(page, ""), page.body)

    def _headers(self, page: Page, host: str) -> Headers:
        """What every answer has; `host` was checked, so that it can stand in the policy."""
        headers = Headers()
        is_text = page.content_type.startswith("text/") and "charset" not in page.content_type
        headers["Content-Type"] = (
            f"{page.content_type}; charset=utf-8" if is_text else page.content_type
        )
        headers["Content-Length"] = str(len(page.body))
        headers["Connection"] = "close"
        headers["Cache-Control"] = "no-store"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()"
        if self._door.rules.is_tls:
            headers["Strict-Transport-Security"] = f"max-age={HSTS_S}"
        sockets = f"wss://{host}" if self._door.rules.is_tls else f"ws://{host} wss://{host}"
        headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
            f"connect-src 'self' {sockets if host else ''}; img-src 'self' data:; "
            "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return headers


def _read_files(folder: Path) -> dict[str, Page]:
    pages = {
        f"/{path.relative_to(folder).as_posix()}": Page(
            path.read_bytes(),
            _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain",
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and _is_inside(path, folder)
    }
    if "/index.html" in pages:
        pages["/"] = pages["/index.html"]
    return pages


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether it is no link that leads out of the folder."""
    return path.resolve().is_relative_to(folder.resolve())
