"""When each session of a load asks which question. Fixed beforehand: it never waits for answers."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """`sessions` people, each asking every `every_s` for `seconds`, evenly spread."""

    sessions: int
    seconds: float
    every_s: float

    def asks_of(self, session: int, questions: int) -> Iterator[tuple[float, int]]:
        """Yield seconds from the start and the number of a question, below `questions`.

        All sessions together go through the questions in order, so that the same one comes again
        as late as can be.
        """
        at_s = session * self.every_s / self.sessions
        asked = 0
        while at_s < self.seconds:
            yield at_s, (asked * self.sessions + session) % questions
            at_s += self.every_s
            asked += 1
