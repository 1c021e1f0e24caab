"""HTTP on the same port: the page, /health, /ready, /metrics, /stats, and who may open a socket.

Allow-listed paths only, read once at start: no path reaches the file system.
"""

import hmac
import http
import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

WEB_DIR = Path(__file__).parent / "web"
SOCKET_PATHS = ("/ws",)

_TYPES = {".js": "text/javascript", ".html": "text/html", ".css": "text/css"}


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: the address listened on, and a token that is asked for unless empty."""

    host: str
    token: str


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a GET."""

    body: bytes
    content_type: str
    status: int = 200


Report = Callable[[], Page]


def json_page(content: Mapping[str, object], status: int = 200) -> Page:
    """Return a JSON answer."""
    return Page(json.dumps(content, indent=1).encode(), "application/json", status)


class Web:
    """Answers HTTP requests; None lets a WebSocket handshake through."""

    def __init__(self, door: Door, reports: Mapping[str, Report]) -> None:
        self._door = door
        self._reports = dict(reports)
        self._files = _read_files(WEB_DIR)

    def respond(self, request: Request) -> Response | None:
        """Answer a request, or None when it may become a WebSocket."""
        path = urlsplit(request.path).path
        if not self._is_host_allowed(request.headers.get("Host", "")):
            return _plain(http.HTTPStatus.FORBIDDEN, "This Host is not served here.")
        if path in SOCKET_PATHS:
            return self._check_socket(request)
        page = self._files.get(path)
        if page is None and path in self._reports:
            page = self._reports[path]()
        if page is None:
            return _plain(http.HTTPStatus.NOT_FOUND, "There is nothing at this path.")
        return _response(page, request.headers.get("Host", ""))

    def _check_socket(self, request: Request) -> Response | None:
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            return _plain(http.HTTPStatus.UPGRADE_REQUIRED, "This path speaks WebSocket.")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host", ""):
            return _plain(http.HTTPStatus.FORBIDDEN, "Pages of other sites may not connect.")
        if not self._has_token(request.headers.get("Authorization", "")):
            return _plain(http.HTTPStatus.UNAUTHORIZED, "A bearer token is needed.")
        return None

    def _has_token(self, authorization: str) -> bool:
        if not self._door.token:
            return True
        expected = f"Bearer {self._door.token}".encode()
        return hmac.compare_digest(authorization.encode(), expected)

    def _is_host_allowed(self, host: str) -> bool:
        """A page that a foreign name resolved to this machine serves is refused (DNS rebinding)."""
        name = urlsplit(f"//{host}").hostname or ""
        is_local = name in ("localhost", "::1") or name.startswith("127.")
        return is_local or bool(self._door.token) or name == self._door.host


def _read_files(folder: Path) -> dict[str, Page]:
    pages = {
        f"/{path.relative_to(folder).as_posix()}": Page(
            path.read_bytes(),
            _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain",
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    if "/index.html" in pages:
        pages["/"] = pages["/index.html"]
    return pages


def _plain(status: http.HTTPStatus, text: str) -> Response:
    return _response(Page(f"{text}\n".encode(), "text/plain", status), "")


def _response(page: Page, host: str) -> Response:
    headers = Headers()
    is_text = page.content_type.startswith("text/") and "charset" not in page.content_type
    headers["Content-Type"] = (
        f"{page.content_type}; charset=utf-8" if is_text else page.content_type
    )
    headers["Content-Length"] = str(len(page.body))
    headers["Connection"] = "close"
    headers["Cache-Control"] = "no-store"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()"
    headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        f"connect-src 'self' ws://{host} wss://{host}; img-src 'self' data:; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Response(page.status, http.HTTPStatus(page.status).phrase, headers, page.body)
