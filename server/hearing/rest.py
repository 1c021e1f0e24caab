"""Lets a silent session's audio gather in the kernel: five frames a wake-up instead of one.

Waking for every 20 ms of silence costs more than all that is done with it. It reads nothing and
looks at no sound: the session says when it may rest.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

REST_S: Final = 0.1
"""What speech, or a typed event, that follows silence may wait for."""
RESTS_IN_A_ROW: Final = 20
"""Then one is left out: each is late by a millisecond or so, and what waits must not grow."""


class Tap(Protocol):
    """What audio comes through; asyncio's transports are taps."""

    def pause_reading(self) -> None:
        """Leave what comes in the kernel."""

    def resume_reading(self) -> None:
        """Take what has come."""


@dataclass(slots=True)
class Rest:
    """One session's rests. The sleep can be replaced."""

    tap: Tap | None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _taken_s: float = field(default=0.0, init=False)
    _count: int = field(default=0, init=False)

    async def after(self, audio_s: float, is_quiet: bool) -> None:
        """Rest when so much silence was taken that as much may gather meanwhile."""
        self._taken_s = self._taken_s + audio_s if is_quiet else 0.0
        if self._taken_s < REST_S or self.tap is None:
            return
        self._taken_s = 0.0
        self._count += 1
        if self._count % RESTS_IN_A_ROW == 0:
            return
        self.tap.pause_reading()
        try:
            await self.sleep(REST_S)
        finally:
            self.tap.resume_reading()
