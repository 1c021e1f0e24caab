"""Makes time pass faster in this process: for soaks of hours that take minutes.

Call `hasten` before anything that keeps time.monotonic is imported. Waits of threads stay as they
are; only what the event loop and readers of time.monotonic live by is hastened.
"""

import asyncio
import selectors
import time
from collections.abc import Callable


def hasten(factor: float) -> Callable[[], asyncio.AbstractEventLoop]:
    """Let time.monotonic run `factor` times as fast; return what makes event loops that follow."""
    true_monotonic = time.monotonic
    began_s = true_monotonic()

    def hastened() -> float:
        return began_s + (true_monotonic() - began_s) * factor

    class HastenedSelector(selectors.DefaultSelector):
        """Waits a hastened second for each that the loop asks for."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """See selectors.BaseSelector."""
            return super().select(timeout and timeout / factor)

    time.monotonic = hastened
    return lambda: asyncio.SelectorEventLoop(HastenedSelector())
