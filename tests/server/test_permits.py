"""server/permits.py: a limit that holds, and a line ordered by deadline."""

import pytest

from server.deadline import Deadline
from server.permits import Permits, QueueFull


class Line:
    """Permits, and a record of who was granted one."""

    def __init__(self, limit: int, queue_limit: int = 10) -> None:
        self.permits = Permits(limit, queue_limit)
        self.granted: list[str] = []

    def ask(self, name: str, at_s: float = 0.0) -> object:
        return self.permits.request(Deadline(at_s), lambda: self.granted.append(name))


def test_grants_at_once_up_to_the_limit() -> None:
    """Two of three requests are granted under a limit of two."""
    line = Line(limit=2)
    for name in "abc":
        line.ask(name)
    assert line.granted == ["a", "b"]
    assert (line.permits.in_use, line.permits.waiting) == (2, 1)


def test_earliest_deadline_first_then_first_come() -> None:
    """The line is ordered by deadline; equal deadlines keep their order."""
    line = Line(limit=1)
    line.ask("running")
    for name, at_s in (("late", 9.0), ("soon", 1.0), ("middle", 5.0), ("soon too", 1.0)):
        line.ask(name, at_s)
    for _ in range(5):
        line.permits.release()
    assert line.granted == ["running", "soon", "soon too", "middle", "late"]
    assert line.permits.in_use == 0


def test_withdrawn_requests_are_never_granted_and_free_their_place() -> None:
    """A caller that left the line does not count as waiting."""
    line = Line(limit=1, queue_limit=1)
    line.ask("running")
    ticket = line.permits.request(Deadline(1.0), lambda: line.granted.append("withdrawn"))
    line.permits.withdraw(ticket)
    line.permits.withdraw(ticket)
    assert line.permits.waiting == 0
    line.ask("next", 2.0)
    line.permits.release()
    assert line.granted == ["running", "next"]


def test_a_full_line_refuses() -> None:
    """The queue bound holds."""
    line = Line(limit=1, queue_limit=2)
    for name in "abc":
        line.ask(name)
    with pytest.raises(QueueFull):
        line.ask("d")


def test_withdrawing_a_granted_ticket_keeps_the_permit() -> None:
    """The permit is the thread's, not the caller's."""
    permits = Permits(1, 1)
    ticket = permits.request(Deadline(0.0), lambda: None)
    permits.withdraw(ticket)
    assert permits.in_use == 1


def test_releasing_what_was_not_granted_is_an_error() -> None:
    """A double release would raise the limit in silence."""
    with pytest.raises(RuntimeError):
        Permits(1, 1).release()


def test_withdrawn_tickets_do_not_pile_up() -> None:
    """A thousand withdrawals behind one long-running permit leave a short line."""
    permits = Permits(1, 4)
    permits.request(Deadline(0.0), lambda: None)
    keeper = permits.request(Deadline(0.5), lambda: None)
    for number in range(1000):
        permits.withdraw(permits.request(Deadline(float(number)), lambda: None))
    assert permits.waiting == 1
    assert len(permits._line) < 40
    assert not keeper.is_granted
