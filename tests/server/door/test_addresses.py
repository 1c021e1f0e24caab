"""server/door/addresses.py: how many connections one address may have, and who it is."""

import ipaddress

import pytest

from server.door.addresses import (
    MAXIMUM_ADDRESSES,
    TOLD_BURST,
    Addresses,
    AddressLimits,
    Verdict,
    address_of,
)

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))


def test_as_many_at_once_as_allowed_and_no_more() -> None:
    """Another address has its own; one that left makes room."""
    addresses = Addresses(AddressLimits(connections=2))
    assert [addresses.arrive("a", 0.0) for _ in range(3)] == ["let_in", "let_in", "tell"]
    assert addresses.arrive("b", 0.0) is Verdict.LET_IN
    addresses.leave("a")
    addresses.leave("a")
    assert addresses.arrive("a", 0.0) is Verdict.LET_IN
    assert addresses.connections("a") == 2


def test_new_ones_come_back_with_time() -> None:
    """60 a minute: a minute's worth at once, then one a second; the wait is told."""
    addresses = Addresses(AddressLimits(new_a_minute=60))
    for _ in range(60):
        assert addresses.arrive("a", 100.0) is Verdict.LET_IN
        addresses.leave("a")
    assert addresses.arrive("a", 100.0) is Verdict.TELL
    assert addresses.retry_after_ms("a") == 1000
    assert addresses.arrive("a", 100.5) is Verdict.TELL
    assert addresses.arrive("a", 101.0) is Verdict.LET_IN


def test_a_flood_is_told_for_a_while_and_then_cut() -> None:
    """Telling costs a handshake; later one is told again."""
    addresses = Addresses(AddressLimits(connections=1))
    verdicts = [addresses.arrive("a", 0.0) for _ in range(100)]
    assert verdicts.count(Verdict.TELL) == TOLD_BURST
    assert verdicts[-1] is Verdict.CUT
    assert addresses.arrive("a", 1.0) is Verdict.TELL


def test_limits_that_change_hold_for_who_is_known() -> None:
    """Settings may change while it runs."""
    addresses = Addresses(AddressLimits())
    for _ in range(500):
        assert addresses.arrive("a", 0.0) is Verdict.LET_IN
    addresses.limits = AddressLimits(new_a_minute=2)
    assert [addresses.arrive("a", 0.0) for _ in range(3)] == ["let_in", "let_in", "tell"]


def test_what_is_known_is_bounded() -> None:
    """Addresses that hold nothing are forgotten first; who holds a connection stays counted."""
    addresses = Addresses(AddressLimits(connections=1))
    addresses.arrive("holder", 0.0)
    for number in range(MAXIMUM_ADDRESSES + 10):
        addresses.arrive(f"n{number}", 0.0)
        addresses.leave(f"n{number}")
    assert len(addresses) == MAXIMUM_ADDRESSES
    assert addresses.arrive("holder", 0.0) is Verdict.TELL


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["1.2.3.4, 203.0.113.9, 10.2.2.2"], "203.0.113.9"),
        ("10.1.1.1", ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["nonsense"], "10.1.1.1"),
        ("::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("fe80::1%eth0", [], "fe80::"),
        ("", [], ""),
    ],
)
def test_who_is_behind_a_connection(peer: str, forwarded: list[str], address: str) -> None:
    """Only a trusted proxy is believed, and only what it added itself."""
    assert address_of(peer, forwarded, PROXIES) == address
