"""Bearer tokens and the page's cookie: where they are found, and whether one is right.

Every comparison takes the same time whatever was offered. It logs nothing and keeps no secret but
the tokens that it was given.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from websockets.datastructures import Headers

SUBPROTOCOL: Final = "realtime"
KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."
"""A browser cannot set headers of a WebSocket; stock clients put the key behind this."""
COOKIE: Final = "parley_session"
COOKIE_AGE_S: Final = 30 * 86_400
URL_NAMES: Final = frozenset(
    {"token", "access_token", "auth_token", "api_key", "api-key", "apikey", "key", "authorization"}
)
"""Parameters in which people put tokens; an address ends up in logs and histories."""
MAXIMUM_PARAMETERS: Final = 64
"""An address with more is looked at no further."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that open the door, any one of them; empty asks for none."""

    tokens: tuple[str, ...] = ()
    unix_s: Callable[[], float] = time.time

    def __bool__(self) -> bool:
        return bool(self.tokens)

    def is_one(self, offered: str) -> bool:
        """Compare with every token, in a time that tells neither which matched nor how far."""
        given = _digest(offered)
        return sum(compare_digest(given, _digest(token)) for token in self.tokens) > 0

    def cookie(self) -> str:
        """Return a value that proves the token without holding it, good for COOKIE_AGE_S."""
        expires = str(int(self.unix_s()) + COOKIE_AGE_S)
        return f"{expires}.{_signed(self.tokens[0], expires)}"

    def is_cookie(self, value: str) -> bool:
        """Tell whether the value was given out for one of the tokens and is not too old.

        A token that is taken away takes its cookies with it.
        """
        expires, _, signature = value.partition(".")
        given = _digest(signature)
        matches = sum(
            compare_digest(given, _digest(_signed(token, expires))) for token in self.tokens
        )
        is_number = expires.isascii() and expires.isdigit() and len(expires) < 16
        return matches > 0 and is_number and int(expires) > self.unix_s()

    def is_let_in(self, headers: Headers) -> bool:
        """Tell whether the request proves a token, by header, subprotocol or cookie."""
        if not self.tokens:
            return True
        is_token = any(map(self.is_one, offered_tokens(headers)))
        return is_token or any(map(self.is_cookie, offered_cookies(headers)))

    def is_in_address(self, target: str) -> bool:
        """Tell whether a token, or what is meant as one, stands in the request's address."""
        if not self.tokens:
            return False
        path, _, query = target.partition("?")
        if query.count("&") > MAXIMUM_PARAMETERS:
            return True
        pairs = parse_qsl(query, keep_blank_values=True)
        pieces = [*unquote_plus(path).split("/"), *(value for _, value in pairs)]
        is_named = any(name.lower() in URL_NAMES for name, _ in pairs)
        return is_named or any(map(self.is_one, filter(None, pieces)))


def offered_tokens(headers: Headers) -> Sequence[str]:
    """Return what is offered as a token, by Authorization or by subprotocol."""
    offered = []
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            offered.append(token.strip())
    offered += [
        name.removeprefix(KEY_SUBPROTOCOL)
        for name in offered_subprotocols(headers)
        if name.startswith(KEY_SUBPROTOCOL)
    ]
    return offered


def offered_cookies(headers: Headers) -> Sequence[str]:
    """Return the values of our cookie; other sites on the host may have set more than one."""
    pairs = [pair for value in headers.get_all("Cookie") for pair in value.split(";")]
    split = [pair.strip().partition("=") for pair in pairs]
    return [value for name, _, value in split if name == COOKIE]


def offered_subprotocols(headers: Headers) -> Sequence[str]:
    """Return the subprotocols that the client would speak."""
    values = headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",")]


def chosen_subprotocol(offered: Sequence[str]) -> str | None:
    """Return `realtime` when it is among them; never the one that carries the key."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _digest(text: str) -> bytes:
    """Of equal length for all, so that not even a token's length is told by the comparison."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _signed(token: str, expires: str) -> str:
    key = token.encode("utf-8", "surrogateescape")
    return hmac.new(key, f"parley cookie {expires}".encode(), hashlib.sha256).hexdigest()
