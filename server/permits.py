"""Counted limits whose waiting lines are ordered by deadline, earliest first, over all stages.

They run no work: they call `grant` when there is room. For one event loop, without locks.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from server.deadline import Deadline


class QueueFull(Exception):
    """The waiting line is at its limit."""


@dataclass(order=True, slots=True)
class Ticket:
    """One place in the line."""

    deadline: Deadline
    number: int
    grant: Callable[[], None] = field(compare=False)
    is_withdrawn: bool = field(default=False, compare=False)
    is_granted: bool = field(default=False, compare=False)
    is_overdue: bool = field(default=False, compare=False)
    """Granted, but no longer counted against the cores: its thread may hang for ever."""


class Cores:
    """What several lines share: at most `limit` of their calls run at once.

    A recognition that somebody waits for so goes before the third sentence of an answer, though
    they wait in different lines. Without it the two would run at once and slow each other down.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_use = 0
        self.numbers = itertools.count()
        self.idle = asyncio.Event()
        """Set while no call runs: then none waits either."""
        self.idle.set()
        self._lines: list[Permits] = []

    @property
    def waiting(self) -> int:
        """Calls in all lines."""
        return sum(line.waiting for line in self._lines)

    def join(self, line: "Permits") -> None:
        """Count that line's calls too."""
        self._lines.append(line)

    def dispatch(self) -> None:
        """Grant the earliest deadlines of all lines while there is room."""
        while self.in_use < self.limit and (ready := [line for line in self._lines if line.head]):
            min(ready, key=_head_of).grant_head()
        if self.in_use:
            self.idle.clear()
        else:
            self.idle.set()


class Permits:
    """At most `limit` granted at once; at most `queue_limit` waiting.

    A permit is held until `release`, whoever has stopped waiting for its result: the limit is
    about threads that run, not about callers that listen. Lines that share `cores` also wait for
    one of those.
    """

    def __init__(self, limit: int, queue_limit: int, cores: Cores | None = None) -> None:
        self.limit = limit
        self.queue_limit = queue_limit
        self.in_use = 0
        self.waiting = 0
        self.overdue = 0
        """Calls that run though their callers' deadlines are over: their threads may hang."""
        self._line: list[Ticket] = []
        self._owns_cores = cores is None
        self._cores = cores or Cores(limit)
        self._cores.join(self)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits in this line, and a call would run at once."""
        has_core = self._cores.in_use < self._cores.limit and not self._cores.waiting
        return has_core and not self.in_use and not self.waiting

    @property
    def is_stuck(self) -> bool:
        """Whether every thread is with a call that is overdue: nothing else gets through."""
        return self.overdue >= self.limit

    @property
    def head(self) -> Ticket | None:
        """The ticket that this line would grant now, if the cores allow; None without room."""
        self._drop_withdrawn()
        return self._line[0] if self._line and self.in_use < self.limit else None

    def resize(self, limit: int, queue_limit: int) -> None:
        """Grant and line up as many as that from now on; what is granted or waits stays so."""
        self.limit, self.queue_limit = limit, queue_limit
        if self._owns_cores:
            self._cores.limit = limit
        self._cores.dispatch()

    def request(self, deadline: Deadline, grant: Callable[[], None]) -> Ticket:
        """Call `grant` now when there is room, else when its turn comes. Raises QueueFull."""
        ticket = Ticket(deadline, next(self._cores.numbers), grant)
        is_room = self.in_use < self.limit and self._cores.in_use < self._cores.limit
        if self.waiting >= self.queue_limit and (self.waiting or not is_room):
            raise QueueFull
        heapq.heappush(self._line, ticket)
        self.waiting += 1
        self._cores.dispatch()
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Leave the line; without effect once granted."""
        if ticket.is_granted or ticket.is_withdrawn:
            return
        ticket.is_withdrawn = True
        self.waiting -= 1
        self._drop_withdrawn()

    def give_up(self, ticket: Ticket) -> None:
        """Stop counting a granted call against the cores; its permit stays taken until release."""
        if ticket.is_granted and not ticket.is_overdue:
            ticket.is_overdue = True
            self.overdue += 1
            self._cores.in_use -= 1
            self._cores.dispatch()

    def release(self, ticket: Ticket) -> None:
        """Give the ticket's permit back; the earliest deadlines get what is free."""
        if not ticket.is_granted or self.in_use < 1:
            raise RuntimeError("a permit was released that was not granted")
        ticket.is_granted = False
        self.in_use -= 1
        if ticket.is_overdue:
            self.overdue -= 1
        else:
            self._cores.in_use -= 1
        self._cores.dispatch()

    def grant_head(self) -> None:
        """Grant the ticket at the head; for `Cores`, which found it."""
        ticket = heapq.heappop(self._line)
        self.waiting -= 1
        self.in_use += 1
        self._cores.in_use += 1
        ticket.is_granted = True
        ticket.grant()

    def _drop_withdrawn(self) -> None:
        while self._line and self._line[0].is_withdrawn:
            heapq.heappop(self._line)
        if len(self._line) > 2 * self.queue_limit + 16:
            self._line = [ticket for ticket in self._line if not ticket.is_withdrawn]
            heapq.heapify(self._line)


def _head_of(line: Permits) -> Ticket:
    ticket = line.head
    if ticket is None:
        raise RuntimeError("a line without a head was asked for it")
    return ticket
