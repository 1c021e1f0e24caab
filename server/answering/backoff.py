"""How long to wait before the next try: exponential backoff with full jitter. It waits for none."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """A wait is anything from 0 to `base_s` doubled at each try, never above `cap_s`.

    Full jitter, as in Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): of
    many who failed together no two come back together.
    """

    base_s: float = 1.0
    cap_s: float = 60.0
    chance: Callable[[], float] = random.random
    """Gives 0 to 1."""

    def wait_s(self, failures: int, at_least_s: float = 0.0) -> float:
        """After so many failed tries (from 1); `at_least_s` is what the other side asked for."""
        longest_s = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 30))
        return max(at_least_s, self.chance() * longest_s)
