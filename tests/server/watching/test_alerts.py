"""server/watching/alerts.py: raised after a while beyond the limit, cleared well within."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.watching.alerts import HOLD_S, AlertBook, AlertName, Rule


class Figure:
    """A rule over a value that the test sets."""

    def __init__(self, *, is_low_bad: bool = False, hold_s: float = HOLD_S) -> None:
        self.value: float | None = None
        raised_at, cleared_at = (0.7, 0.75) if is_low_bad else (700, 630)
        name = AlertName.HIT_RATE_LOW if is_low_bad else AlertName.LATENCY_OVER_TARGET
        self.book = AlertBook()
        rule = Rule(name, self.read, raised_at, cleared_at, "unit", is_low_bad, hold_s)
        self.book.add(rule)

    def read(self) -> float | None:
        return self.value

    def at(self, now_s: float, value: float | None) -> list[bool]:
        """Judge that value at that time; return what each change raised."""
        self.value = value
        return [change.is_raised for change in self.book.judge(now_s)]


def test_it_is_raised_only_after_the_hold_time() -> None:
    """Beyond the limit for ten seconds, not for one look."""
    figure = Figure()
    assert figure.at(0, 900) == []
    assert figure.at(9.9, 900) == []
    assert figure.at(10, 900) == [True]
    assert figure.at(15, 900) == []


def test_a_single_peak_begins_anew() -> None:
    """One look within the limit forgets how long it was beyond."""
    figure = Figure()
    assert figure.at(0, 900) == figure.at(5, 100) == figure.at(10, 900) == []
    assert figure.at(19, 900) == []
    assert figure.at(20, 900) == [True]


def test_between_the_limits_nothing_changes() -> None:
    """Hysteresis: 650 neither raises at 700 nor clears at 630."""
    figure = Figure()
    assert [figure.at(second, 650) for second in range(60)] == [[]] * 60
    figure.at(60, 900)
    assert figure.at(70, 900) == [True]
    assert [figure.at(second, 650) for second in range(71, 130)] == [[]] * 59
    assert figure.at(130, 630) == []
    assert figure.at(140, 630) == [False]


def test_a_low_figure_can_be_the_bad_one() -> None:
    """A hit rate of 0.6 raises under 0.7 and is over at 0.75."""
    figure = Figure(is_low_bad=True, hold_s=0)
    assert figure.at(0, 0.9) == []
    assert figure.at(1, 0.6) == [True]
    assert figure.at(2, 0.72) == []
    assert figure.at(3, 0.75) == [False]


def test_too_little_to_judge_by_raises_nothing_and_clears() -> None:
    """Without turns there is no latency to complain of."""
    figure = Figure(hold_s=0)
    assert figure.at(0, None) == []
    assert figure.at(1, 900) == [True]
    assert figure.at(2, None) == [False]


@given(st.lists(st.one_of(st.none(), st.floats(0, 2000)), max_size=200))
def test_raised_and_cleared_take_turns(values: list[float | None]) -> None:
    """Whatever the figure does, no alert is raised twice or cleared before it was raised."""
    figure = Figure()
    changes = [change for second, value in enumerate(values) for change in figure.at(second, value)]
    assert changes == [number % 2 == 0 for number in range(len(changes))]


def test_what_is_raised_is_told_with_figure_and_age() -> None:
    """As `/stats` shows it; nothing once it is cleared."""
    figure = Figure(hold_s=0)
    figure.at(100, 912.3456)
    (alert,) = figure.book.raised(130)
    assert (alert.name, alert.value, alert.limit) == ("latency_over_target", 912.346, 700)
    assert alert.raised_s == 30
    figure.at(131, 1)
    assert figure.book.raised(132) == []


def test_others_add_their_own_rule_by_name_once() -> None:
    """A breaker's rule stands beside the others; a second of the name is refused."""
    figure = Figure(hold_s=0)
    breaker = Rule(AlertName.BREAKER_OPEN, lambda: 1.0, 1, 0, "open", hold_s=0)
    figure.book.add(breaker)
    figure.value = 900
    assert [change.name for change in figure.book.judge(1)] == [
        AlertName.LATENCY_OVER_TARGET,
        AlertName.BREAKER_OPEN,
    ]
    with pytest.raises(ValueError, match="breaker_open"):
        figure.book.add(breaker)


@pytest.mark.parametrize(("raised", "cleared", "low"), [(1, 1, False), (1, 2, False), (1, 0, True)])
def test_a_rule_without_a_gap_is_refused(raised: float, cleared: float, low: bool) -> None:
    """It would be raised and cleared at every look."""
    with pytest.raises(ValueError, match="cleared_at"):
        Rule(AlertName.QUEUE_FULL, lambda: 0.0, raised, cleared, "x", low)
