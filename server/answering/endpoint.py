"""One endpoint of a language model: whether it is asked now, and what it did last. It asks nothing.

A call fails when all its tries did. Then the endpoint is left alone; GET /models tells when it is
back, so that no turn pays for finding out. One that lists its models but answers no question is
left alone for longer each time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from models.llm import ChatModel, LlmError, LlmFault
from server.answering.metrics import EndpointRole
from server.breaker import Breaker

REST_S: Final = 5.0
LONGEST_REST_S: Final = 300.0


@dataclass(slots=True)
class Endpoint:
    """For one event loop, without locks. `clock` is monotonic seconds."""

    role: EndpointRole
    model: ChatModel
    clock: Callable[[], float] = time.monotonic
    fault: LlmFault | None = None
    """How the last call failed; None when it did not."""
    breaker: Breaker = field(init=False)
    _failed_calls: int = 0
    """In a row."""
    _asked_again_at_s: float = 0.0

    def __post_init__(self) -> None:
        self.breaker = Breaker(REST_S, self.clock)

    @property
    def is_up(self) -> bool:
        """Whether a turn may ask it."""
        return self.breaker.is_closed

    @property
    def ready_in_s(self) -> float:
        """How long it asked to be left alone yet."""
        return max(0.0, self._asked_again_at_s - self.clock())

    @property
    def rest_s(self) -> float:
        """How long it is left alone after a call that failed."""
        return float(min(LONGEST_REST_S, REST_S * 2.0 ** min(30, max(0, self._failed_calls - 1))))

    def tried_in_vain(self, error: LlmError) -> None:
        """One try failed; another may follow."""
        self.fault = error.fault
        if error.retry_after_s:
            self._asked_again_at_s = self.clock() + error.retry_after_s

    def failed(self) -> None:
        """All tries of a call failed."""
        self._failed_calls += 1
        self._asked_again_at_s = max(self._asked_again_at_s, self.clock() + self.rest_s)
        self.breaker.failed()

    def answered(self) -> None:
        """A call was answered."""
        self.fault = None
        self._failed_calls = 0
        self._asked_again_at_s = 0.0
        self.breaker.succeeded()

    def may_probe(self) -> bool:
        """Tell whether it is to be asked for its models now; the result must be told."""
        return self.ready_in_s == 0.0 and self.breaker.may_probe()

    def probed(self, error: LlmError | None) -> None:
        """It told its models, or not."""
        if error is None:
            self.breaker.succeeded()
        else:
            self.fault = error.fault
            self.breaker.failed()
