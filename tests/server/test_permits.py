"""server/permits.py: a limit that holds, and a line ordered by deadline."""

import pytest

from server.deadline import Deadline
from server.permits import Cores, Permits, QueueFull, Ticket


class Line:
    """Permits, and a record of who was granted one."""

    def __init__(
        self,
        limit: int,
        queue_limit: int = 10,
        cores: Cores | None = None,
        granted: list[str] | None = None,
    ) -> None:
        self.permits = Permits(limit, queue_limit, cores)
        self.granted: list[str] = [] if granted is None else granted
        self._running: list[Ticket] = []

    def ask(self, name: str, at_s: float = 0.0) -> Ticket:
        ticket = self.permits.request(Deadline(at_s), lambda: self.granted.append(name))
        self._running.append(ticket)
        return ticket

    def release(self) -> None:
        """End the call that was granted first."""
        ticket = next(each for each in self._running if each.is_granted)
        self._running.remove(ticket)
        self.permits.release(ticket)


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
        line.release()
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
    line.release()
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
    line = Line(limit=2)
    ticket = line.ask("running")
    line.ask("also running")
    line.permits.release(ticket)
    with pytest.raises(RuntimeError):
        line.permits.release(ticket)
    assert line.permits.in_use == 1


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


def two_lines(cores: Cores) -> tuple[Line, Line, list[str]]:
    granted: list[str] = []
    return Line(2, cores=cores, granted=granted), Line(2, cores=cores, granted=granted), granted


def test_lines_share_the_cores_by_deadline() -> None:
    """A recognition that is wanted soon goes before a sentence that has time, in another line."""
    hearing, speaking, granted = two_lines(Cores(1))
    speaking.ask("first sentence", 1.0)
    speaking.ask("third sentence", 9.0)
    hearing.ask("recognition", 2.0)
    speaking.release()
    assert granted == ["first sentence", "recognition"]
    hearing.release()
    assert granted[-1] == "third sentence"


def test_a_line_at_its_own_limit_does_not_block_the_others() -> None:
    """The earliest deadline waits for its own line's permit; a free core serves the next line."""
    cores = Cores(2)
    hearing = Line(1, cores=cores)
    speaking = Line(2, cores=cores)
    hearing.ask("running")
    hearing.ask("waits for its line", 0.5)
    speaking.ask("sentence", 9.0)
    assert speaking.granted == ["sentence"]
    assert (cores.in_use, cores.waiting) == (2, 1)


def test_an_overdue_call_frees_its_core_and_keeps_its_permit() -> None:
    """A thread that hangs costs its own line a permit, and the other lines nothing."""
    cores = Cores(1)
    hearing, speaking, granted = two_lines(cores)
    hung = hearing.ask("hung")
    speaking.ask("sentence")
    hearing.permits.give_up(hung)
    hearing.permits.give_up(hung)
    assert granted == ["hung", "sentence"]
    assert (cores.in_use, hearing.permits.in_use) == (1, 1)
    hearing.permits.release(hung)
    assert (cores.in_use, hearing.permits.in_use) == (1, 0)


def test_a_line_is_idle_when_a_call_would_run_alone_and_at_once() -> None:
    """Nothing runs or waits in it, and a core is free; another line's call on another core is no
    matter.
    """
    cores = Cores(2)
    line, other = Line(2, cores=cores), Line(2, cores=cores)
    idle = [line.permits.is_idle]
    for step in (
        lambda: line.ask("a"),
        line.release,
        lambda: other.ask("b"),
        lambda: other.ask("c"),
    ):
        step()
        idle.append(line.permits.is_idle)
    assert idle == [True, False, True, True, False]
