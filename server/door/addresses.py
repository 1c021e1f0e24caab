"""How many connections one address may have, and how many new ones a minute. It closes none.

For one event loop, without locks; times are arguments. An IPv6 network of 64 bits counts as one
address, for that is what one person is given.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from server.configuration.addresses import Network
from server.door.bucket import Bucket

MAXIMUM_ADDRESSES: Final = 10_000
"""Kept at once: about 3 MB. Beyond, those that hold no connection are forgotten, oldest first."""
IPV6_PREFIX: Final = 64
TOLD_BURST: Final = 20.0
TOLD_A_SECOND: Final = 2.0
"""Refusals of one address that are told, with an event and a close; a flood beyond is cut off."""
MINUTE_S: Final = 60.0


class Verdict(StrEnum):
    """What becomes of a new connection."""

    LET_IN = "let_in"
    TELL = "tell"
    """Refused, and told why and when to come back."""
    CUT = "cut"
    """Refused without a word, at once: telling would cost more than it is worth."""


@dataclass(frozen=True, slots=True)
class AddressLimits:
    """What one address may have; 0 is no limit."""

    connections: int = 0
    new_a_minute: int = 0


@dataclass(slots=True)
class _Visitor:
    arrivals: Bucket
    told: Bucket = field(default_factory=lambda: Bucket(TOLD_BURST, TOLD_A_SECOND))
    connections: int = 0


class Addresses:
    """The connections of each address. `limits` may be replaced at any time."""

    def __init__(self, limits: AddressLimits) -> None:
        self.limits = limits
        self._visitors: OrderedDict[str, _Visitor] = OrderedDict()

    def arrive(self, address: str, now_s: float) -> Verdict:
        """Count a new connection and judge it. Every call is followed by one `leave`."""
        visitor = self._visitor(address)
        limits = self.limits
        visitor.connections += 1
        is_new_allowed = not limits.new_a_minute or visitor.arrivals.take(now_s)
        is_one_too_many = 0 < limits.connections < visitor.connections
        if is_new_allowed and not is_one_too_many:
            return Verdict.LET_IN
        return Verdict.TELL if visitor.told.take(now_s) else Verdict.CUT

    def leave(self, address: str) -> None:
        """Count a connection less."""
        visitor = self._visitors.get(address)
        if visitor is not None:
            visitor.connections = max(0, visitor.connections - 1)

    def retry_after_ms(self, address: str) -> int:
        """When that address may try again: once it is due a new connection, at least 1 s."""
        visitor = self._visitors.get(address)
        wait_s = visitor.arrivals.wait_s() if visitor and self.limits.new_a_minute else 0.0
        return max(1000, round(wait_s * 1000))

    def connections(self, address: str) -> int:
        """Return how many that address has now."""
        visitor = self._visitors.get(address)
        return 0 if visitor is None else visitor.connections

    def __len__(self) -> int:
        return len(self._visitors)

    def _visitor(self, address: str) -> _Visitor:
        a_minute = float(self.limits.new_a_minute or 1)
        visitor = self._visitors.get(address)
        if visitor is None:
            self._make_room()
            visitor = self._visitors[address] = _Visitor(Bucket(a_minute, a_minute / MINUTE_S))
        if visitor.arrivals.size != a_minute:
            visitor.arrivals = Bucket(a_minute, a_minute / MINUTE_S)
        self._visitors.move_to_end(address)
        return visitor

    def _make_room(self) -> None:
        if len(self._visitors) < MAXIMUM_ADDRESSES:
            return
        idle = (name for name, visitor in self._visitors.items() if not visitor.connections)
        oldest = next(idle, None)
        if oldest is not None:
            del self._visitors[oldest]


def address_of(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return who is behind a connection: the peer, or whom a trusted proxy names.

    `forwarded` are the values of X-Forwarded-For, to which each proxy appends its own peer: the
    last that is no trusted proxy is the client; what stands before it anybody may have written.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = peer
    while hops and is_within(address, proxies):
        said = hops.pop()
        if _parsed(said) is None:
            break
        address = said
    return _grouped(address)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether the address is in one of the networks; what is no address is in none."""
    parsed = _parsed(address)
    return parsed is not None and any(
        parsed.version == network.version and parsed in network for network in networks
    )


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _grouped(address: str) -> str:
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        network = ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False)
        return str(network.network_address)
    return address if parsed is None else str(parsed)
