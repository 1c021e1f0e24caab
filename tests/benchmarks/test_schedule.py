"""The load's schedule is fixed beforehand and spreads sessions and questions evenly."""

import pytest

from benchmarks.schedule import Schedule


def test_every_session_asks_at_its_own_times() -> None:
    schedule = Schedule(sessions=4, seconds=30, every_s=12)
    times = [[at_s for at_s, _ in schedule.asks_of(session, 100)] for session in range(4)]
    assert times == [[0, 12, 24], [3, 15, 27], [6, 18], [9, 21]]


def test_no_question_comes_again_before_all_were_asked() -> None:
    schedule = Schedule(sessions=24, seconds=60, every_s=12)
    asked = sorted(
        (at_s, which) for session in range(24) for at_s, which in schedule.asks_of(session, 101)
    )
    numbers = [which for _, which in asked]
    assert len(numbers) == 120
    assert numbers[:101] == list(range(101))
    assert numbers[101:] == list(range(19))


def test_one_session_is_asked_at_least_once() -> None:
    assert list(Schedule(1, 0.5, 12).asks_of(0, 7)) == [(0.0, 0)]


@pytest.mark.parametrize("questions", [1, 7])
def test_question_numbers_stay_within_the_list(questions: int) -> None:
    schedule = Schedule(sessions=5, seconds=100, every_s=3)
    numbers = {which for session in range(5) for _, which in schedule.asks_of(session, questions)}
    assert numbers == set(range(questions))
