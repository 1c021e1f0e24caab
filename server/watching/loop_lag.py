"""Measures how late the event loop runs what is due; it judges nothing.

It rides on a sleep that somebody makes anyway: a timer of its own would wake an idle server more
often, and waking is what a silent session costs. A block shows with the part of it that follows the
end of the sleep: with the governor's 100 ms, one of 200 ms shows as 100 to 200 (fault 39).
"""

import asyncio
import time
from collections.abc import Callable


async def sleep_and_measure(seconds: float, clock: Callable[[], float] = time.monotonic) -> float:
    """Sleep, and return by how many milliseconds it was too long."""
    due_s = clock() + seconds
    await asyncio.sleep(seconds)
    return max(0.0, clock() - due_s) * 1000
