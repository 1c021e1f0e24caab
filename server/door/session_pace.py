"""Reads a session's messages no faster than its rates allow, whatever it sends. It parses none.

What audio may do is another matter, counted in seconds of sound: server/hearing/intake.py.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from server.door.bucket import Bucket
from server.errors import TooFast
from server.settings import Settings

BURST_S: Final = 10.0
"""So many seconds' worth may come at once: a client that was cut off sends what it has kept."""
PATIENCE_S: Final = 5.0
"""Who makes reading pause for so long, for messages and not for bytes, floods on purpose."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class SessionPace:
    """One session's rates; 0 is no limit. The clock and the sleep can be replaced."""

    messages_a_second: float
    bytes_a_second: float
    now_s: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep
    _messages: Bucket | None = field(init=False)
    _bytes: Bucket | None = field(init=False)
    _paused_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._messages = _bucket(self.messages_a_second)
        self._bytes = _bucket(self.bytes_a_second)

    async def keep(self, size_bytes: int) -> None:
        """Take in one message, and pause while there were too many, or too large ones.

        Bytes pause only: an upload is as fast as it may be. Raises TooFast for a flood of messages.
        """
        now_s = self.now_s()
        pause_s = self._bytes.spend(now_s, size_bytes) if self._bytes else 0.0
        if self._messages is not None:
            pause_s = max(pause_s, self._pause_for_messages(self._messages, now_s))
        if pause_s > 0:
            await self.sleep(pause_s)

    def _pause_for_messages(self, messages: Bucket, now_s: float) -> float:
        pause_s = messages.spend(now_s, 1)
        self._paused_s += pause_s
        if messages.left > messages.size / 2:
            self._paused_s = 0.0
        if self._paused_s > PATIENCE_S:
            raise TooFast(
                f"More than {self.messages_a_second:g} messages a second were sent for too long."
            )
        return pause_s


def pace_of(settings: Settings) -> SessionPace:
    """Return the pace of a session that begins under these settings."""
    return SessionPace(settings.session_messages_a_second, settings.session_bytes_a_second)


class PacedMessages:
    """The messages of a connection, at that pace. While it pauses, TCP holds the client back."""

    def __init__(self, messages: AsyncIterable[str | bytes], pace: SessionPace) -> None:
        self._messages = aiter(messages)
        self._pace = pace

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self

    async def __anext__(self) -> str | bytes:
        message = await anext(self._messages)
        await self._pace.keep(len(message))
        return message


def _bucket(a_second: float) -> Bucket | None:
    return Bucket(BURST_S * a_second, a_second) if a_second else None
