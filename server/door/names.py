"""Host and Origin headers: what they name, and whether that is this server or a friend of it.

Pure: it sees strings and answers. Which rules apply is in server/door/rules.py.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from server.configuration.addresses import is_loopback

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
"""A name, an IPv4 address or an IPv6 address in brackets, and a port: no user, no path, no more."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What a Host header names; `port` None for the scheme's own."""

    name: str
    port: int | None

    @property
    def is_this_machine(self) -> bool:
        """Whether no name server had a say in it: only then is it proof against DNS rebinding."""
        return is_loopback(self.name)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from: scheme, name and port."""

    scheme: str
    name: str
    port: int

    def is_of(self, host: Authority) -> bool:
        """Tell whether a page of this origin was served at that address."""
        return self.name == host.name and self.port == (host.port or DEFAULT_PORTS[self.scheme])


def parse_authority(text: str) -> Authority | None:
    """Return what a Host header names, in lower case; None for what is no host and port."""
    found = _AUTHORITY.fullmatch(text.strip().lower())
    if found is None:
        return None
    name, port = found[1], None if found[2] is None else int(found[2])
    if port is not None and not 0 < port < 65536:
        return None
    if name.startswith("["):
        try:
            name = str(ipaddress.IPv6Address(name[1:-1]))
        except ValueError:
            return None
    return Authority(name.rstrip("."), port)


def parse_origin(text: str) -> Origin | None:
    """Return what an Origin header names; None for `null` and for what is no http or https site."""
    scheme, separator, rest = text.strip().lower().partition("://")
    authority = parse_authority(rest) if separator and scheme in DEFAULT_PORTS else None
    if authority is None:
        return None
    return Origin(scheme, authority.name, authority.port or DEFAULT_PORTS[scheme])
