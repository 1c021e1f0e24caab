"""The rules of the door, from the settings, and their judgement of one request. No socket here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import Request

from server.configuration.addresses import Network, parse_network, split_list
from server.door.names import Authority, Origin, parse_authority, parse_origin
from server.door.tokens import Tokens, offered_subprotocols
from server.settings import Settings

SINGLE_HEADERS: Final = ("Host", "Origin", "Authorization", "Upgrade")
"""Of these a second one is a trick: two programs would each believe another."""


class Refused(Exception):
    """A request that is not served, with the HTTP status and a reason for the person."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class NoToken(Refused):
    """Nothing in the request proves a token."""

    def __init__(self) -> None:
        super().__init__(401, "A bearer token is needed, and this is none that opens the door.")


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may come in. Replaced as a whole when settings change."""

    host: str = "127.0.0.1"
    tokens: Tokens = Tokens()
    origins: tuple[Origin, ...] = ()
    """Sites whose pages may use this server, beside its own."""
    proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""
    is_tls: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Return the rules that these settings make; they were checked when they were read."""
        return cls(
            settings.host,
            Tokens(tuple(split_list(settings.token))),
            tuple(filter(None, map(parse_origin, split_list(settings.origins)))),
            tuple(map(parse_network, split_list(settings.trusted_proxies))),
            bool(settings.tls_cert),
        )

    def check(self, request: Request) -> Origin | None:
        """Check what holds on every path; return the foreign origin that is let in, if it is one.

        Raises Refused.
        """
        headers = request.headers
        for name in SINGLE_HEADERS:
            if len(headers.get_all(name)) > 1:
                raise Refused(400, f"One {name} header is expected.")
        host = parse_authority(header(headers, "Host"))
        if host is None or not self._is_host_served(host):
            raise Refused(403, "This Host is not served here.")
        if self.tokens.is_in_address(request.path):
            raise Refused(
                400,
                "A token does not belong in the address, which others log. Send it as a header.",
            )
        sent = headers.get_all("Origin")
        if not sent and is_from_other_site(headers):
            raise Refused(403, "Pages of other sites may not use this server (PARLEY_ORIGINS).")
        return self._foreign_origin(sent, host)

    def check_token(self, headers: Headers) -> None:
        """Raise NoToken unless one is proved, or none is asked for."""
        if not self.tokens.is_let_in(headers):
            raise NoToken

    def _is_host_served(self, host: Authority) -> bool:
        """Tell whether a page that this answer became part of could be one of ours.

        A page at a foreign name that was made to point here has no token, so with one every name is
        served; else only addresses of this machine.
        """
        return host.is_this_machine or bool(self.tokens) or host.name == self.host

    def _foreign_origin(self, sent: Sequence[str], host: Authority) -> Origin | None:
        """None for our own page and for programs, which send no Origin."""
        if not sent:
            return None
        origin = parse_origin(sent[0])
        if origin in self.origins:
            return origin
        is_plain_page_of_tls = self.is_tls and origin is not None and origin.scheme != "https"
        if origin is None or not origin.is_of(host) or is_plain_page_of_tls:
            raise Refused(403, "Pages of other sites may not use this server (PARLEY_ORIGINS).")
        return None


def is_from_other_site(headers: Headers) -> bool:
    """Tell whether a browser says that a page of another site asks, though it sends no Origin.

    It sends none for what a page shows, such as an image. Following a link to here is no such use.
    """
    site = header(headers, "Sec-Fetch-Site").strip().lower()
    mode = header(headers, "Sec-Fetch-Mode").strip().lower()
    return site in ("cross-site", "same-site") and mode != "navigate"


def header(headers: Headers, name: str) -> str:
    """Return the first value, empty without one; unlike `get` it never raises for two."""
    values = headers.get_all(name)
    return values[0] if values else ""


def check_subprotocols(headers: Headers) -> None:
    """Raise Refused for names that are none, without saying them: one may be a token."""
    if headers.get_all("Sec-WebSocket-Protocol"):
        for name in offered_subprotocols(headers):
            if not name or any(mark in _SEPARATORS or not "!" <= mark <= "~" for mark in name):
                raise Refused(400, "Sec-WebSocket-Protocol holds a name that is none.")


_SEPARATORS: Final = frozenset('()<>@,;:\\"/[]?={} \t')
"""RFC 2616, 2.2: what a subprotocol's name must not have."""
