"""server/web.py: the page, the reports, and who may come in."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.http11 import Request

from server import web
from server.door.doorkeeper import Doorkeeper
from server.door.names import parse_origin
from server.door.rules import Rules
from server.door.tokens import Tokens
from server.errors import AddressLimit, SessionError, Unauthorized
from server.web import Page, Web, _read_files

WEB_DIR = Path(web.__file__).parent / "web"
LOCAL = {"Host": "127.0.0.1:8765"}
UPGRADE = {**LOCAL, "Upgrade": "websocket"}
OWN_PAGE = {**UPGRADE, "Origin": "http://127.0.0.1:8765"}
KEY = "openai-insecure-api-key."


@dataclass(slots=True)
class FakeVisitor:
    """A connection that has, or has not, too many beside it."""

    too_many: SessionError | None = None
    refusal: SessionError | None = None

    def admit(self, request: Request) -> SessionError | None:
        return self.too_many


def make_web(host: str = "127.0.0.1", token: str = "", **rules: object) -> Web:
    tokens = Tokens((token,) if token else ())
    keeper = Doorkeeper(Rules(host, tokens, **rules))  # type: ignore[arg-type]
    reports = {path: lambda: Page(b"whole", "text/plain") for path in ("/health", "/stats")}
    return Web(keeper, reports, {"/health": lambda: Page(b"part", "text/plain")})


FUZZED = make_web(token="secret")


def get(path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Request:
    return Request(path, Headers(LOCAL if headers is None else headers), method)


def status(web: Web, path: str, headers: dict[str, str] | None = None) -> int | None:
    response = web.respond(get(path, headers))
    return None if response is None else response.status_code


def told(web: Web, headers: dict[str, str]) -> SessionError | None:
    """What a socket that is let through is told before it is closed."""
    visitor = FakeVisitor()
    assert web.respond(get("/ws", headers), visitor) is None
    return visitor.refusal


def test_serves_the_page_with_a_strict_policy() -> None:
    """No inline script, no foreign host, not in a frame."""
    response = make_web().respond(get("/"))
    assert response is not None
    assert response.status_code == 200
    assert b"<title>" in response.body
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    sources = {source for rule in policy.split(";") for source in rule.split()[1:]}
    own = {"'none'", "'self'", "data:", "blob:", "ws://127.0.0.1:8765", "wss://127.0.0.1:8765"}
    assert sources == own
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Strict-Transport-Security" not in response.headers


def test_no_file_of_the_page_names_another_host() -> None:
    """SVG's namespace is only a name, and localhost is told to a person."""
    named = {
        host
        for path in WEB_DIR.rglob("*")
        if path.is_file()
        for host in re.findall(r"(?:https?:|[\"'(])//([a-z][\w.-]*)", path.read_text())
    }
    assert named == {"www.w3.org", "localhost"}


def test_under_tls_browsers_are_told_to_stay_there() -> None:
    """HSTS, sockets over TLS only, and a page of plain HTTP is a foreign one."""
    web = make_web(is_tls=True)
    response = web.respond(get("/"))
    assert response is not None
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert " ws://" not in response.headers["Content-Security-Policy"]
    assert status(web, "/ws", OWN_PAGE) == 403
    assert status(web, "/ws", {**UPGRADE, "Origin": "https://127.0.0.1:8765"}) is None


@pytest.mark.parametrize("path", ["/app.js", "/socket-worker.js", "/worklets.js"])
def test_serves_the_scripts_as_scripts(path: str) -> None:
    """Browsers refuse a module of another type."""
    response = make_web().respond(get(path))
    assert response is not None
    assert response.headers["Content-Type"].startswith("text/javascript")


def test_only_get_and_head_are_answered() -> None:
    """HEAD has the headers of GET and no body."""
    web = make_web()
    head, post = (web.respond(get("/", method=method)) for method in ("HEAD", "POST"))
    assert head is not None
    assert post is not None
    assert (head.status_code, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) > 100
    assert (post.status_code, post.headers["Allow"]) == (405, "GET, HEAD")


def test_reports_are_served() -> None:
    """/health comes from its report; a query string does not matter."""
    assert status(make_web(), "/health?x=1") == 200


def test_the_socket_needs_an_upgrade() -> None:
    """A plain GET of /ws is told so; a handshake goes through."""
    assert status(make_web(), "/ws") == 426
    assert status(make_web(), "/ws", UPGRADE) is None


@pytest.mark.parametrize("path", ["/", "/health", "/stats", "/ws", "/nothing"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1", "x"])
def test_pages_of_other_sites_may_use_no_path(path: str, origin: str) -> None:
    """Cross-site WebSocket hijacking and reading across sites: refused; our own page is not."""
    web = make_web()
    assert status(web, path, {**UPGRADE, "Origin": origin}) == 403
    assert status(web, path, OWN_PAGE) != 403


def test_a_site_that_is_listed_may_and_is_allowed_to_read() -> None:
    """PARLEY_ORIGINS: its page connects and reads; another port of the same name does not."""
    friend = parse_origin("https://app.example")
    web = make_web(origins=(friend,))
    headers = {**UPGRADE, "Origin": "https://app.example"}
    assert status(web, "/ws", headers) is None
    response = web.respond(get("/health", headers))
    assert response is not None
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert response.headers["Vary"] == "Origin"
    assert status(web, "/ws", {**UPGRADE, "Origin": "https://app.example:444"}) == 403


@pytest.mark.parametrize("path", ["/", "/health", "/ws", "/nothing"])
@pytest.mark.parametrize(
    "host", ["evil.example:8765", "127.evil.example", "127.0.0.1@evil.example", "[::1", "a b", ""]
)
def test_a_foreign_host_name_is_refused(path: str, host: str) -> None:
    """DNS rebinding: a name that was pointed at this machine is not served, on any path."""
    assert status(make_web(), path, {"Host": host, "Upgrade": "websocket"}) == 403
    assert status(make_web(), path, {"Upgrade": "websocket"}) == 403


@pytest.mark.parametrize("name", ["Host", "Origin", "Authorization", "Upgrade"])
def test_a_header_that_is_sent_twice_is_refused(name: str) -> None:
    """Two programs could each believe another; it is no failure of ours either."""
    headers = Headers(OWN_PAGE)
    headers["Authorization"] = "Bearer x"
    headers[name] = "another"
    response = make_web().respond(Request("/ws", headers))
    assert response is not None
    assert response.status_code == 400


def test_a_token_is_asked_for_when_there_is_one() -> None:
    """Absent and wrong are refused; a header and a subprotocol prove it."""
    web = make_web("0.0.0.0", "secret")
    assert status(web, "/ws", UPGRADE) == 401
    assert status(web, "/ws", {**UPGRADE, "Authorization": "Bearer wrong"}) == 401
    assert status(web, "/ws", {**UPGRADE, "Authorization": "Bearer secret"}) is None
    offered = {**UPGRADE, "Sec-WebSocket-Protocol": f"realtime, {KEY}secret"}
    assert status(web, "/ws", offered) is None


def test_a_browser_is_told_what_a_refused_handshake_would_hide() -> None:
    """Accepted, told and closed with 4401; a program gets 401, which costs less."""
    web = make_web(token="secret")
    refusal = told(web, OWN_PAGE)
    assert isinstance(refusal, Unauthorized)
    assert refusal.close_code == 4401
    assert told(web, {**OWN_PAGE, "Sec-WebSocket-Protocol": f"realtime, {KEY}secret"}) is None
    response = web.respond(get("/ws", UPGRADE), FakeVisitor())
    assert response is not None
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/ws?token=secret", "/ws?x=secret", "/health?api_key=x", "/secret"]
)
def test_a_token_in_the_address_is_refused_though_a_header_is_right(path: str) -> None:
    """Proxies, histories and logs keep addresses; the answer does not repeat it."""
    headers = {**UPGRADE, "Authorization": "Bearer secret"}
    response = make_web(token="secret").respond(get(path, headers))
    assert response is not None
    assert response.status_code == 400
    assert b"secret" not in response.body


def test_a_subprotocol_that_is_none_is_refused_without_repeating_it() -> None:
    """`websockets` would answer with the header's text, which holds the token."""
    headers = {**UPGRADE, "Sec-WebSocket-Protocol": f"realtime, {KEY}sec/ret=="}
    response = make_web(token="sec/ret==").respond(get("/ws", headers))
    assert response is not None
    assert response.status_code == 400
    assert b"sec/ret" not in response.body


def test_reports_need_the_token_and_a_probe_does_not() -> None:
    """/stats is told to nobody without it, /health in part; the page itself is no secret."""
    web = make_web(token="secret")
    bearer = {**LOCAL, "Authorization": "Bearer secret"}
    assert status(web, "/stats") == 401
    assert status(web, "/stats", bearer) == 200
    assert status(web, "/") == 200
    part, whole = web.respond(get("/health")), web.respond(get("/health", bearer))
    assert part is not None
    assert whole is not None
    assert (part.body, whole.body) == (b"part", b"whole")


def test_an_address_with_too_many_is_told_when_to_come_back() -> None:
    """By an event on a socket, by a header over HTTP."""
    visitor = FakeVisitor(AddressLimit("Too many.", 1500))
    web = make_web()
    assert web.respond(get("/ws", OWN_PAGE), visitor) is None
    assert visitor.refusal is visitor.too_many
    response = web.respond(get("/"), visitor)
    assert response is not None
    assert (response.status_code, response.headers["Retry-After"]) == (429, "2")


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Host", "Origin", "Authorization", "Upgrade", "Sec-WebSocket-Protocol", "Connection"]
        ),
        st.one_of(
            st.sampled_from(["127.0.0.1", "Bearer secret", f"realtime, {KEY}secret", "websocket"]),
            st.text(
                st.sampled_from([*map(chr, range(32, 127)), *map(chr, range(128, 256))]),
                max_size=30,
            ),
        ),
    ),
    max_size=6,
)


@given(path=st.text(st.characters(max_codepoint=127), max_size=30), sent=HEADERS)
def test_whatever_is_asked_is_answered_or_let_in_with_the_token(
    path: str, sent: list[tuple[str, str]]
) -> None:
    """It never raises, and no socket is let through unless the token is proved."""
    headers = Headers(sent)
    response = FUZZED.respond(Request(f"/ws{path}"[:40], headers))
    proofs = headers.get_all("Authorization") + headers.get_all("Sec-WebSocket-Protocol")
    assert response is not None or any("secret" in proof for proof in proofs)
    again = FUZZED.respond(Request(path, headers))
    assert again is None or again.status_code < 500


def test_a_link_out_of_the_folder_is_not_served(tmp_path: Path) -> None:
    """Only what is inside the page's folder, whatever leads out of it."""
    folder = tmp_path / "web"
    folder.mkdir()
    (tmp_path / "outside.js").write_text("x")
    (folder / "inside.js").write_text("x")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    assert set(_read_files(folder)) == {"/inside.js"}
