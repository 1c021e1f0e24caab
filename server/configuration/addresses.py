"""Judges the addresses that settings name. It resolves and connects to nothing."""

import ipaddress
from urllib.parse import urlsplit


def is_web_address(url: str) -> bool:
    """Tell whether it is http or https and names a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


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
