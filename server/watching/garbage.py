"""Collects what refers to itself while nothing else runs, and quickly.

Counting frees nearly all that a turn leaves. A cancelled task and its traceback, or a session that
has ended, wait for the collector, which comes after so many objects, whatever their size: here
after some 400 turns and 40 MB of sound, in the middle of a sentence, for 50 to 90 ms in which
nothing else ran. What the start made is therefore set aside, as it stays: a collection looks at the
rest alone, every few seconds, when no stage is at work.
"""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

EVERY_S = 10.0
PATIENCE_S = 20.0
"""A server that is never idle collects all the same."""


@dataclass(slots=True)
class GarbageCollection:
    """The whole process's: there may be one only."""

    idle: asyncio.Event
    """Set while no stage is at work."""
    subscribe: Callable[[Callable[[object], None]], None]
    """Tells of engines that take others' places: those are set aside too, and theirs looked at."""
    every_s: float = EVERY_S
    patience_s: float = PATIENCE_S
    _is_settled: bool = False

    async def run(self) -> None:
        """Collect until cancelled; then nothing is aside any more."""
        self.subscribe(self._unsettle)
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.patience_s):
                        await self.idle.wait()
                self._collect()
                await asyncio.sleep(self.every_s)
        finally:
            gc.unfreeze()

    def _collect(self) -> None:
        if not self._is_settled:
            gc.unfreeze()
        gc.collect()
        if not self._is_settled:
            gc.freeze()
            self._is_settled = True

    def _unsettle(self, engines: object) -> None:
        self._is_settled = False
