"""When a session has been idle for too long, though its client sends nothing. It closes none."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Never

from server.errors import Idle
from server.state import State

_ENDS_BY_ITSELF = frozenset((State.THINKING, State.SPEAKING))
"""The other states last for as long as the client sends nothing."""


@dataclass(slots=True)
class Idleness:
    """One session's: idle is whose client was told nothing, and who said nothing."""

    patience_s: float
    told_at_s: Callable[[], float]
    """When the client was last sent anything: whoever asks for something is."""
    state: Callable[[], State]
    clock: Callable[[], float] = time.monotonic
    _active_at_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._active_at_s = self.clock()

    def note_audio(self) -> None:
        """Audio came. Raises Idle when it was silence alone for too long."""
        if self.state() is not State.IDLE:
            self._active_at_s = self.clock()
        self._left_s()

    async def watch(self) -> Never:
        """Raise Idle once nothing at all has happened for too long."""
        while True:
            if self.state() in _ENDS_BY_ITSELF:
                self._active_at_s = self.clock()
            await asyncio.sleep(self._left_s())

    def _left_s(self) -> float:
        quiet_s = self.clock() - max(self._active_at_s, self.told_at_s())
        if quiet_s >= self.patience_s:
            raise Idle(f"Nothing was said or asked for {quiet_s:.0f} s.")
        return self.patience_s - quiet_s
