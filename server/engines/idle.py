"""Waits until other programs leave this process's cores alone, for work that nobody waits for.

A server knows by its permits that it is idle; a command beside it can only look at the machine.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.calibration.noise import Processors, is_quiet, others_cores, read_processors
from server.watching.machine import usable_cores

LOOK_S: Final = 0.1
"""Ten ticks of the kernel's clocks, by which it tells what the cores did."""
BUSY: Final = "The machine is busy: waiting until it has time."


@dataclass(slots=True)
class IdleTime:
    """For one task. A machine that does not tell is taken to be idle."""

    say: Callable[[str], None]
    read: Callable[[], Processors] = read_processors
    look_s: float = LOOK_S
    _has_said: bool = False

    async def wait(self) -> None:
        """Return once others have left the cores alone for one look; says once that it waits."""
        while not await self._is_idle():
            if not self._has_said:
                self._has_said = True
                self.say(BUSY)

    async def _is_idle(self) -> bool:
        before = self.read()
        await asyncio.sleep(self.look_s)
        return is_quiet(others_cores(before, self.read()), usable_cores())
