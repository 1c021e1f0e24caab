"""What a PARLEY_REDIS_URL says: one server, a cluster or sentinels. Pure; it connects to nothing.

redis://[user:password@]host[:port][/database]      rediss:// with TLS, unix:///path too
redis+cluster://[user:password@]host[:port],host[:port]...
redis+sentinel://[user:password@]host[:port],host[:port].../service[/database]
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

PLAIN_SCHEMES: Final = ("redis", "rediss", "unix")
CLUSTER_SCHEME: Final = "redis+cluster"
SENTINEL_SCHEME: Final = "redis+sentinel"

_REDIS_PORT = 6379
_SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`url` for one server; else `nodes`, with `service` for sentinels and "" for a cluster."""

    url: str = ""
    nodes: tuple[tuple[str, int], ...] = ()
    service: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = None


def parse_redis_url(url: str) -> RedisAddress:
    """Raises ValueError that tells what is accepted and repeats no password."""
    scheme = url.partition("://")[0]
    if scheme in PLAIN_SCHEMES:
        if not urlsplit(url).netloc and scheme != "unix":
            raise ValueError("a host is needed: redis://host:6379/0")
        return RedisAddress(url=url)
    if scheme == CLUSTER_SCHEME:
        return _many(url, _REDIS_PORT)
    if scheme == SENTINEL_SCHEME:
        found = _many(url, _SENTINEL_PORT)
        if not found.service:
            raise ValueError("a service is needed: redis+sentinel://host:26379/mymaster")
        return found
    accepted = ", ".join(f"{one}://" for one in (*PLAIN_SCHEMES, CLUSTER_SCHEME, SENTINEL_SCHEME))
    raise ValueError(f"accepted are {accepted}")


def redis_problem(url: str) -> str:
    """What is wrong with the address, "" when nothing is or there is none."""
    try:
        if url:
            parse_redis_url(url)
    except ValueError as error:
        return str(error)
    return ""


def _many(url: str, default_port: int) -> RedisAddress:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    nodes = tuple(_node(one, default_port) for one in hosts.split(",") if one)
    if not nodes:
        raise ValueError("at least one host is needed")
    return RedisAddress(
        nodes=nodes,
        service=unquote(service),
        database=_whole(database or "0", "the database"),
        username=unquote(username) or None,
        password=unquote(password) or None,
    )


def _node(text: str, default_port: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, default_port
    return host.strip("[]"), _whole(port, "a port")


def _whole(text: str, what: str) -> int:
    if not text.isdigit():
        raise ValueError(f"{what} must be a whole number")
    return int(text)
