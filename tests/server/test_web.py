"""server/web.py: the page, the reports, and who may come in."""

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from server.web import Door, Page, Web

LOCAL = {"Host": "127.0.0.1:8765"}
UPGRADE = {**LOCAL, "Upgrade": "websocket"}


def make_web(host: str = "127.0.0.1", token: str = "") -> Web:
    return Web(Door(host, token), {"/health": lambda: Page(b"{}", "application/json")})


def get(path: str, headers: dict[str, str] | None = None) -> Request:
    return Request(path, Headers(LOCAL if headers is None else headers))


def status(web: Web, path: str, headers: dict[str, str] | None = None) -> int | None:
    response = web.respond(get(path, headers))
    return None if response is None else response.status_code


def test_serves_the_page_with_a_strict_policy() -> None:
    """No inline script, no foreign host, not in a frame."""
    response = make_web().respond(get("/"))
    assert response is not None
    assert response.status_code == 200
    assert b"<title>" in response.body
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/app.js", "/socket-worker.js", "/worklets.js"])
def test_serves_the_scripts_as_scripts(path: str) -> None:
    """Browsers refuse a module of another type."""
    response = make_web().respond(get(path))
    assert response is not None
    assert response.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    ["/../settings.py", "/..%2fsettings.py", "//etc/passwd", "/web.py", "/index.html/"],
)
def test_only_listed_paths_exist(path: str) -> None:
    """Nothing outside the page's folder can be named."""
    assert status(make_web(), path) == 404


def test_reports_are_served() -> None:
    """/health comes from its report; a query string does not matter."""
    assert status(make_web(), "/health?x=1") == 200


def test_the_socket_needs_an_upgrade() -> None:
    """A plain GET of /ws is told so; a handshake goes through."""
    assert status(make_web(), "/ws") == 426
    assert status(make_web(), "/ws", UPGRADE) is None


def test_pages_of_other_sites_may_not_connect() -> None:
    """Cross-site WebSocket hijacking: a foreign Origin is refused, our own and none are not."""
    web = make_web()
    assert status(web, "/ws", {**UPGRADE, "Origin": "http://evil.example"}) == 403
    assert status(web, "/ws", {**UPGRADE, "Origin": "null"}) == 403
    assert status(web, "/ws", {**UPGRADE, "Origin": "http://127.0.0.1:8765"}) is None


@pytest.mark.parametrize("path", ["/", "/health", "/ws"])
def test_a_foreign_host_name_is_refused(path: str) -> None:
    """DNS rebinding: a name that was pointed at this machine is not served, on any path."""
    assert status(make_web(), path, {"Host": "evil.example:8765", "Upgrade": "websocket"}) == 403
    assert status(make_web(), path, {"Upgrade": "websocket"}) == 403


def test_a_token_is_asked_for_when_there_is_one() -> None:
    """Absent and wrong are refused."""
    web = make_web("0.0.0.0", "secret")
    assert status(web, "/ws", UPGRADE) == 401
    assert status(web, "/ws", {**UPGRADE, "Authorization": "Bearer wrong"}) == 401
    assert status(web, "/ws", {**UPGRADE, "Authorization": "Bearer secret"}) is None
