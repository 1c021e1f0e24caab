"""server/governor.py: steps taken one by one as the lines grow, and given back as they shrink."""

import pytest

from server.deadline import Deadline
from server.governor import SAMPLE_S, Governor, Step
from server.permits import Cores, Permits, Ticket
from server.watching.metrics import Metrics


class Load:
    """A governor over two cores, with as many calls in line as a test wants."""

    def __init__(self) -> None:
        self.cores = Cores(2)
        self.line = Permits(64, 64, self.cores)
        self.metrics = Metrics()
        self.governor = Governor(self.cores, self.metrics)
        self._tickets: list[Ticket] = []
        self._now_s = 0.0

    def stand_in_line(self, calls: int) -> None:
        while len(self._tickets) < calls:
            self._tickets.append(self.line.request(Deadline(0.0), lambda: None))
        while len(self._tickets) > calls:
            done = next(ticket for ticket in self._tickets if ticket.is_granted)
            self._tickets.remove(done)
            self.line.release(done)

    def go_on(self, seconds: float) -> list[tuple[Step, ...]]:
        """Sample for that long; return what the steps were, without repetitions."""
        seen = [self.governor.steps]
        for _ in range(round(seconds / SAMPLE_S)):
            self._now_s += SAMPLE_S
            self.governor.sample(self._now_s)
            if self.governor.steps != seen[-1]:
                seen.append(self.governor.steps)
        return seen


def test_a_burst_is_not_yet_a_load() -> None:
    """Four calls for half a second change nothing."""
    load = Load()
    load.go_on(5)
    load.stand_in_line(4)
    load.go_on(0.5)
    load.stand_in_line(0)
    assert load.go_on(10) == [()]


def test_steps_are_taken_in_order_and_given_back_in_reverse() -> None:
    """A long line takes first the partials, then the long answers; an empty one returns both."""
    load = Load()
    order = tuple(Step)
    one_by_one = [order[:count] for count in range(len(order) + 1)]
    load.stand_in_line(8)
    assert load.go_on(10) == one_by_one
    load.stand_in_line(0)
    assert load.go_on(30) == one_by_one[::-1]


def test_a_slow_language_model_is_not_asked_whatever_the_load() -> None:
    """And no other step is taken for it."""
    load = Load()
    load.governor.is_model_slow = lambda: True
    assert load.go_on(1) == [(), (Step.QUOTED_ANSWERS,)]
    load.stand_in_line(8)
    assert load.go_on(10)[-1] == tuple(Step)
    load.governor.is_model_slow = lambda: False
    load.stand_in_line(0)
    assert load.go_on(30)[-1] == ()


@pytest.mark.parametrize("calls", [2, 3])
def test_what_a_step_saves_does_not_end_it(calls: int) -> None:
    """Under the load that is left once answers are brief, they stay brief: no swinging."""
    load = Load()
    load.stand_in_line(8)
    load.go_on(10)
    load.stand_in_line(calls)
    assert load.go_on(30)[-1][:2] == (Step.NO_PARTIALS, Step.BRIEF_ANSWERS)


def test_a_gap_in_sampling_counts_as_what_is_seen_after_it() -> None:
    """A loop that stood still for a minute takes one look, not a minute of old news."""
    load = Load()
    load.go_on(1)
    load.stand_in_line(8)
    load._now_s += 60
    load.go_on(SAMPLE_S)
    assert load.governor.load == pytest.approx(4, abs=0.1)


def test_the_steps_are_measured() -> None:
    """A gauge for each step and one for the load."""
    load = Load()
    load.stand_in_line(8)
    load.go_on(10)
    text = load.metrics.render().decode()
    assert 'parley_degradation_step{step="brief_answers"} 1.0' in text
    assert "parley_load 3." in text or "parley_load 4." in text
