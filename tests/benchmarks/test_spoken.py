"""The spoken benchmark's figures that are more than counting."""

from benchmarks.spoken import trade_off

BOTH = "unanswerable_refused_where_5_percent_answerable_are"
OTHER = "answerable_refused_where_80_percent_unanswerable_are"


def test_trade_off_holds_each_bound_in_turn() -> None:
    """At the threshold that refuses one of twenty answerable, and at four of five others."""
    answerable = [0.1] + [0.3] * 4 + [0.9] * 15
    unanswerable = [0.05, 0.2, 0.2, 0.4, 0.95]
    assert trade_off(answerable, unanswerable) == {BOTH: 60.0, OTHER: 25.0}


def test_trade_off_of_nothing_is_left_out() -> None:
    """Without questions there is no threshold."""
    assert trade_off([], [0.5]) == {}
