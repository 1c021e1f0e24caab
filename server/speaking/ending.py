"""How a turn ended, and what is told of it in the shapes of the wire. It ends none."""

from collections.abc import Mapping
from enum import StrEnum

from server.hearing.endpointing import Wait
from server.speaking.response import Status


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    EMPTY = "empty"
    CALLED = "called"
    """The client is to call functions, and to ask again with what they gave."""
    CANCELLED = "cancelled"
    FAILED = "failed"


STATUS: Mapping[Outcome, Status] = {
    Outcome.ANSWERED: Status.COMPLETED,
    Outcome.REFUSED: Status.COMPLETED,
    Outcome.EMPTY: Status.COMPLETED,
    Outcome.CALLED: Status.COMPLETED,
    Outcome.CANCELLED: Status.CANCELLED,
    Outcome.FAILED: Status.FAILED,
}


def describe_wait(wait: Wait | None) -> dict[str, str | int]:
    """Return how long the endpoint waited and why; nothing for typed text."""
    return {} if wait is None else {"wait_ms": wait.silence_ms, "reason": str(wait.reason)}
