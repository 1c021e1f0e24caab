"""Measures how late the event loop runs what is due, 20 times a second; it judges nothing.

A block shows with the part of it that follows the next due moment: its length less PERIOD_S at
least, so 200 ms show as 150 to 200 (fault 39).
"""

import asyncio
from collections.abc import Callable
from typing import Final

PERIOD_S: Final = 0.05


async def watch_loop_lag(observe_ms: Callable[[float], None]) -> None:
    """Hand on the lateness of each look, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + PERIOD_S
        await asyncio.sleep(PERIOD_S)
        observe_ms(max(0.0, loop.time() - due_s) * 1000)
