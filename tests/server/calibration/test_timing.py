"""server/calibration/timing.py: the two rules, on engines whose cost is written down."""

import threading

import pytest

from server.calibration.record import Load
from server.calibration.timing import (
    ROUNDS,
    Chosen,
    NotMeasured,
    ThreadStopwatch,
    Trial,
    permits_for,
)
from tests.server.calibrations import ScriptedTime, ticking

PLAIN = {(1, 1): 0.3, (1, 2): 0.3}
"""One thread a call on two cores: two calls take as long as one."""


def run(
    time: ScriptedTime, counts: tuple[int, ...] = (2,), callers: int = 2, deadline_s: float = 1e9
) -> Chosen:
    return Trial(time.make, counts, callers, time, deadline_s, time.clock).run()


def test_more_threads_are_taken_when_they_help_one_and_cost_all_little() -> None:
    """A third sooner alone, 5% fewer under load."""
    chosen = run(ScriptedTime({**PLAIN, (2, 1): 0.2, (2, 2): 0.315}))
    assert chosen.threads == 2
    assert "67% of one thread's time" in chosen.why
    assert "95% of its work" in chosen.why


@pytest.mark.parametrize(
    ("alone_s", "loaded_s"), [(0.202, 0.354), (0.28, 0.28), (0.37, 0.3)], ids=str
)
def test_one_thread_stays_when_load_loses_or_nobody_gains(alone_s: float, loaded_s: float) -> None:
    """18% more work under load; 7% sooner, which may be chance; slower."""
    assert run(ScriptedTime({**PLAIN, (2, 1): alone_s, (2, 2): loaded_s})).threads == 1


def test_the_search_ends_at_the_first_count_that_does_not_help() -> None:
    """Four are slower than two, though faster than one: eight are not even loaded."""
    cost = {(1, 1): 1.0, (1, 2): 1.0, (2, 1): 0.5, (2, 2): 1.0, (4, 1): 0.6, (4, 2): 1.0}
    time = ScriptedTime(cost)
    assert run(time, (2, 4, 8)).threads == 2
    assert time.made == [1, 2, 4]


def test_an_engine_without_threads_is_measured_for_permits_alone() -> None:
    """One behind a lock: a second caller finishes nothing more."""
    time = ScriptedTime({(1, 1): 0.01, (1, 2): 0.02, (1, 3): 0.03})
    chosen = run(time, (), 3)
    assert (chosen.threads, chosen.permits) == (1, 1)
    assert [(load.callers, load.rounds) for load in chosen.loads] == [(1, 5), (2, 5), (3, 5)]


def test_permits_are_the_fewest_that_finish_as_much_within_a_tenth() -> None:
    """Of 1, 2, 4 and 8 callers on four cores."""
    seconds = {1: 100.0, 2: 100.0, 4: 105.0, 8: 200.0}
    loads = [Load(1, callers, 5, round_ms) for callers, round_ms in seconds.items()]
    assert permits_for(loads) == 4


def test_permits_are_those_of_the_threads_chosen() -> None:
    """With two threads a call fills both cores: a second one at once gains nothing."""
    time = ScriptedTime({**PLAIN, (2, 1): 0.16, (2, 2): 0.31})
    chosen = run(time)
    assert (chosen.threads, chosen.permits) == (2, 1)


def test_one_slow_round_changes_nothing() -> None:
    """The median counts; the first round of all is a warm-up that counts for nothing."""
    time = ScriptedTime({(1, 1): [0.1, 0.1, 9.0, 0.1, 0.1], (1, 2): [9.0, 0.1, 0.1, 0.1, 0.1, 0.1]})
    assert [load.round_ms for load in run(time, ()).loads] == [100.0, 100.0]


def test_what_is_compared_is_measured_in_turns() -> None:
    """Another program's burst falls on all alike."""
    time = ScriptedTime({**PLAIN, (2, 1): 0.2, (2, 2): 0.3})
    run(time)
    one_round = [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert time.rounds == [(1, 2), (2, 2), *one_round * ROUNDS]


def test_too_few_rounds_are_no_measurement() -> None:
    """The time is up in the third round: nothing is concluded from two."""
    time = ScriptedTime({**PLAIN, (2, 1): 0.2, (2, 2): 0.3})
    with pytest.raises(NotMeasured, match="after 2 of 3 rounds"):
        run(time, deadline_s=3.0)
    assert time.now_s < 3.0 + 0.3


def test_a_late_candidate_leaves_what_was_found() -> None:
    """The comparison with two threads is whole, that with four is not."""
    cost = {(1, 1): 1.0, (1, 2): 1.0, (2, 1): 0.5, (2, 2): 1.0, (4, 1): 0.2, (4, 2): 1.0}
    chosen = run(ScriptedTime(cost), (2, 4), deadline_s=21.0)
    assert chosen.threads == 2
    assert "time was up before 4 threads" in chosen.why


def test_callers_run_at_once_and_the_clock_given_times_them() -> None:
    """Each waits for the others inside the work: one after the other would never end."""
    meeting = threading.Barrier(3)
    with ThreadStopwatch(3, ticking(10.0, 10.25)) as stopwatch:
        assert stopwatch.round_s(lambda: meeting.wait(10), 3) == 0.25


def test_an_engine_that_fails_is_heard_of() -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    with ThreadStopwatch(2) as stopwatch, pytest.raises(RuntimeError, match="broken"):
        stopwatch.round_s(fail, 2)
