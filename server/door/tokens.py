"""Bearer tokens: where they are found, and whether one is right.

Every comparison takes the same time whatever was offered. It logs nothing and keeps no secret but
the tokens that it was given.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from websockets.datastructures import Headers

SUBPROTOCOL: Final = "realtime"
KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."
"""A browser cannot set headers of a WebSocket; stock clients put the key behind this."""
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

    def __bool__(self) -> bool:
        return bool(self.tokens)

    def is_one(self, offered: str) -> bool:
        """Compare with every token, in a time that tells neither which matched nor how far."""
        given = _digest(offered)
        return sum(compare_digest(given, _digest(token)) for token in self.tokens) > 0

    def is_let_in(self, headers: Headers) -> bool:
        """Tell whether the request proves a token, by header or subprotocol."""
        if not self.tokens:
            return True
        return any(map(self.is_one, offered_tokens(headers)))

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
