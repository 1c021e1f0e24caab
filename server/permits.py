"""A counted limit whose waiting line is ordered by deadline, earliest first.

It runs no work: it calls `grant` when there is room. For one event loop, without locks.
"""

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


class Permits:
    """At most `limit` granted at once; at most `queue_limit` waiting.

    A permit is held until `release`, whoever has stopped waiting for its result: the limit is
    about threads that run, not about callers that listen.
    """

    def __init__(self, limit: int, queue_limit: int) -> None:
        self.limit = limit
        self.queue_limit = queue_limit
        self.in_use = 0
        self.waiting = 0
        self._line: list[Ticket] = []
        self._numbers = itertools.count()

    def request(self, deadline: Deadline, grant: Callable[[], None]) -> Ticket:
        """Call `grant` now when there is room, else when its turn comes. Raises QueueFull."""
        ticket = Ticket(deadline, next(self._numbers), grant)
        if self.in_use < self.limit and not self.waiting:
            self._grant(ticket)
            return ticket
        if self.waiting >= self.queue_limit:
            raise QueueFull
        heapq.heappush(self._line, ticket)
        self.waiting += 1
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Leave the line; without effect once granted."""
        if ticket.is_granted or ticket.is_withdrawn:
            return
        ticket.is_withdrawn = True
        self.waiting -= 1
        self._drop_withdrawn()

    def release(self) -> None:
        """Give one permit back and grant it to the earliest deadline in the line."""
        if self.in_use < 1:
            raise RuntimeError("a permit was released that was not granted")
        self.in_use -= 1
        self._drop_withdrawn()
        if self._line:
            ticket = heapq.heappop(self._line)
            self.waiting -= 1
            self._grant(ticket)

    def _grant(self, ticket: Ticket) -> None:
        self.in_use += 1
        ticket.is_granted = True
        ticket.grant()

    def _drop_withdrawn(self) -> None:
        while self._line and self._line[0].is_withdrawn:
            heapq.heappop(self._line)
        if len(self._line) > 2 * self.queue_limit + 16:
            self._line = [ticket for ticket in self._line if not ticket.is_withdrawn]
            heapq.heapify(self._line)
