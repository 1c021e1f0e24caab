"""The history in Redis too, where there is one: a server whose disk was not kept knows its week.

An hour's minutes are one value, written anew each minute, which Redis drops by itself after seven
days. What Redis does not take is let go: server/watching/history.py keeps it on disk.
"""

import hashlib
import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any, Final

from server.cache.key import HISTORY
from server.cache.redis_tier import RedisTier, RedisUnavailable
from server.watching.history import KEPT_S, Minute

HOUR_S: Final = 3600
FIELD_TYPES: Final = (int, int, float, float, int, int, float, float, float, int, float, str)
"""Of a Minute, in order."""


@dataclass(frozen=True, slots=True)
class RedisHistory:
    """For one event loop. No call raises, or takes longer than Redis's guard for each hour."""

    redis: RedisTier
    server: str
    """Tells this server from others that share the Redis, and is the same at its next start."""

    async def keep(self, minutes: Sequence[Minute]) -> None:
        """Write the hour of the last of these, which has all that is known of that hour."""
        hour = minutes[-1].at_unix_s // HOUR_S
        rows = [astuple(each) for each in minutes if each.at_unix_s // HOUR_S == hour]
        with suppress(RedisUnavailable):
            await self.redis.put(self._key(hour), json.dumps(rows).encode(), KEPT_S + HOUR_S)

    async def since(self, from_unix_s: float, to_unix_s: float) -> list[Minute]:
        """Return the minutes between, oldest first; what is not ours is none."""
        found: list[Minute] = []
        with suppress(RedisUnavailable):
            for hour in range(int(from_unix_s) // HOUR_S, int(to_unix_s) // HOUR_S + 1):
                found += _decoded(await self.redis.get(self._key(hour)))
        return [each for each in found if from_unix_s <= each.at_unix_s <= to_unix_s]

    def _key(self, hour: int) -> str:
        return f"{HISTORY}:{self.server}:{hour}"


def server_name(host: str, port: int) -> str:
    """Return a name from where a server runs and listens, safe to stand in a key."""
    where = f"{socket.gethostname()} {host} {port}"
    return hashlib.blake2b(where.encode(), digest_size=8).hexdigest()


def merged(*kept: Sequence[Minute]) -> list[Minute]:
    """Return what several places have, oldest first; of one moment the last place's."""
    by_moment = {each.at_unix_s: each for minutes in kept for each in minutes}
    return [by_moment[moment] for moment in sorted(by_moment)]


def _decoded(blob: bytes | None) -> list[Minute]:
    """Nothing for what another program, or another Parley, wrote there."""
    try:
        return [_minute(row) for row in json.loads(blob or b"[]")]
    except (ValueError, TypeError, RecursionError):
        return []


def _minute(row: Sequence[Any]) -> Minute:
    typed: list[Any] = [kind(value) for kind, value in zip(FIELD_TYPES, row, strict=True)]
    return Minute(*typed)
