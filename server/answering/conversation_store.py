"""Keeps conversations beyond their session: in Redis where there is one, else in this process.

So a client that comes back, to this server or to another with the same Redis, goes on where it was.
Who may have which conversation is the caller's business: a key is as good as the words under it.
"""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final

from server.answering.conversation import Exchange, Window
from server.cache.key import CONVERSATION
from server.cache.redis_tier import RedisTier, RedisUnavailable

KEPT_HERE: Final = 256
"""Conversations without Redis; of more the longest unused go. At most 8 MiB."""
LARGEST_BYTES: Final = 256 << 10


@dataclass(slots=True)
class ConversationStore:
    """For one event loop, without locks. No call raises, or takes longer than Redis's guard."""

    redis: RedisTier | None
    keep_s: float
    clock: Callable[[], float] = time.monotonic
    _here: OrderedDict[str, tuple[float, bytes]] = field(default_factory=OrderedDict)
    """Key to when it is too old, and the window."""

    async def save(self, key: str, window: Window) -> None:
        """Keep what counts now under a secret of the client's; the last word wins."""
        blob = _encode(window)
        if len(blob) > LARGEST_BYTES:
            return
        name = _name(key)
        self._here[name] = (self.clock() + self.keep_s, blob)
        self._here.move_to_end(name)
        while len(self._here) > KEPT_HERE:
            self._here.popitem(last=False)
        if self.redis is not None:
            with suppress(RedisUnavailable):
                await self.redis.put(name, blob, self.keep_s)

    async def load(self, key: str) -> Window | None:
        """Return what was kept; None when there is nothing, it is too old, or it is no window."""
        name = _name(key)
        blob: bytes | None = None
        if self.redis is not None:
            with suppress(RedisUnavailable):
                blob = await self.redis.get(name)
        if blob is None:
            until_s, blob = self._here.get(name, (0.0, None))
            if until_s <= self.clock():
                return None
        return _decode(blob) if blob is not None else None

    async def drop(self, key: str) -> None:
        """Forget it."""
        name = _name(key)
        self._here.pop(name, None)
        if self.redis is not None:
            with suppress(RedisUnavailable):
                await self.redis.delete(name)


def _name(key: str) -> str:
    """The key's digest: who reads Redis's keys must not be able to resume anything."""
    return f"{CONVERSATION}:{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}"


def _encode(window: Window) -> bytes:
    return json.dumps([asdict(each) for each in window.exchanges]).encode()


def _decode(blob: bytes) -> Window | None:
    """Item ids belong to the session that is over."""
    try:
        listed = json.loads(blob)
        return Window(tuple(map(_exchange, listed)))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _exchange(kept: dict[str, object]) -> Exchange:
    texts = [str(kept[name]) for name in ("question", "answer", "root", "document")]
    question, answer, root, document = texts
    passage_id, at_s = int(str(kept["passage_id"])), float(str(kept["at_s"]))
    return Exchange(question, answer, root, document, passage_id, at_s)
