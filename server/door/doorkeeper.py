"""The state of the door: its rules, who has how many connections, and what is counted of refusals.

It sends nothing: server/web.py and server/app.py act on its judgements.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from server.door.addresses import Addresses, AddressLimits, Verdict, address_of, is_within
from server.door.rules import Rules
from server.errors import AddressLimit
from server.settings import Settings

ADDRESS_LIMIT = "address_limit"


def limits_of(settings: Settings) -> AddressLimits:
    """Return what one address may have by these settings."""
    return AddressLimits(settings.address_connections, settings.address_new_a_minute)


@dataclass(slots=True)
class Doorkeeper:
    """One server's door. `rules` and `addresses.limits` may be replaced at any time."""

    rules: Rules = Rules()
    addresses: Addresses = field(default_factory=lambda: Addresses(AddressLimits()))
    count_refused: Callable[[str], None] = lambda code: None
    now_s: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, settings: Settings, count_refused: Callable[[str], None]) -> "Doorkeeper":
        """Return the door of these settings."""
        return cls(Rules.of(settings), Addresses(limits_of(settings)), count_refused)

    def apply(self, settings: Settings) -> None:
        """Judge who comes from now on by these; who is in stays in."""
        self.rules = Rules.of(settings)
        self.addresses.limits = limits_of(settings)

    def speaks_for_others(self, peer: str) -> bool:
        """Tell whether the peer is a proxy that is trusted to name its clients."""
        return is_within(peer, self.rules.proxies)

    def client_of(self, peer: str, forwarded: list[str]) -> str:
        """Return the address that a connection counts for."""
        return address_of(peer, forwarded, self.rules.proxies)

    def arrive(self, address: str) -> Verdict:
        """Count and judge a connection; it must `leave` whatever the verdict."""
        verdict = self.addresses.arrive(address, self.now_s())
        if verdict is not Verdict.LET_IN:
            self.count_refused(ADDRESS_LIMIT)
        return verdict

    def refusal(self, address: str) -> AddressLimit:
        """Return what an address beyond its limits is told."""
        return AddressLimit(
            "Too many connections come from this address.", self.addresses.retry_after_ms(address)
        )
