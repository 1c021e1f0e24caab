"""Decides when a failing service is left alone and when it is tried again. It calls nothing."""

import time
from collections.abc import Callable
from enum import StrEnum


class BreakerState(StrEnum):
    """Closed lets calls through; open does not; half-open lets one probe through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens at the first failure: the next call would cost its whole guard again.

    One probe may go through `pause_s` after each failure. For one event loop, without locks.
    """

    def __init__(self, pause_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = BreakerState.CLOSED
        self.openings = 0
        self._pause_s = pause_s
        self._clock = clock
        self._failed_at_s = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether ordinary calls may go through."""
        return self.state is BreakerState.CLOSED

    def may_probe(self) -> bool:
        """Tell whether one call may try an open breaker now; the answer to it must be told."""
        is_over = self._clock() >= self._failed_at_s + self._pause_s
        if self.state is BreakerState.OPEN and is_over:
            self.state = BreakerState.HALF_OPEN
            return True
        return False

    def succeeded(self) -> None:
        """One call came back."""
        self.state = BreakerState.CLOSED

    def failed(self) -> None:
        """One call failed or took too long."""
        self.openings += self.state is BreakerState.CLOSED
        self.state = BreakerState.OPEN
        self._failed_at_s = self._clock()
