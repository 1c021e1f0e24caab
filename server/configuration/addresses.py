"""Judges the addresses that settings name. It resolves and connects to nothing."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_web_address(url: str) -> bool:
    """Tell whether it is http or https and names a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_endpoint(url: str) -> bool:
    """Tell whether paths can be put behind it, and it may be shown: it carries no secret."""
    parts = urlsplit(url) if is_web_address(url) else None
    return parts is not None and not (parts.username or parts.query or parts.fragment)


def is_loopback(host: str) -> bool:
    """Tell whether only programs on this machine can reach the address.

    A name is none, whatever it begins with: who owns 127.example.org may point it anywhere.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_network(text: str) -> Network:
    """Return the network of an address or a range such as 10.0.0.0/8. Raises ValueError."""
    return ipaddress.ip_network(text, strict=False)


def split_list(text: str) -> Sequence[str]:
    """Return the parts of a setting that is a list, by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
