"""Both sides of a comparison are summed up by the same rules, which flatter neither."""

from typing import Any

import pytest

from benchmarks.load_session import Exchange
from benchmarks.peer_figures import Round, is_early, ratios, side_figures
from benchmarks.playback import Playback

LOUD = b"\x00\x20" * 16_000


def exchange(ends_at_s: float, heard_at_s: float | None, commits: int = 1) -> Exchange:
    asked = Exchange("q.wav", ends_at_s - 2.0, ends_at_s, Playback(16_000))
    asked.commits_at_s = [ends_at_s + 0.3] * commits
    if heard_at_s is not None:
        asked.playback.arrive(heard_at_s, LOUD)
    return asked


def round_of(*sessions: tuple[Exchange, ...], **told: Any) -> Round:
    return Round(
        sessions,
        **({"end_s": 30.0, "wall_s": 20.0, "cpu_s": 4.0, "others_s": 3.0, "memory_mb": 500} | told),
    )


def test_all_rounds_and_sessions_are_summed() -> None:
    first = round_of((exchange(10, 10.4), exchange(20, 20.6)), (exchange(11, 11.5),))
    second = round_of((exchange(10, 10.5),), cpu_s=6.0, refused=1, lost=1, client_late_ms=3.0)
    figures = side_figures("parley", 2, [first, second])
    assert figures["questions"] == 4
    assert figures["rounds"] == 2
    assert figures["voice_to_voice_ms"]["count"] == 4
    assert figures["voice_to_voice_ms"]["p50"] == 500.0
    assert (figures["refused"], figures["lost"], figures["unanswered"]) == (1, 1, 0)
    assert figures["cpu_s"] == 10.0
    assert figures["cpu_s_per_question"] == 2.5
    assert figures["cores"] == 0.25
    assert figures["others_cores"] == 0.15
    assert figures["client_late_ms_max"] == 3.0


def test_a_question_without_a_sound_counts_with_the_time_waited_in_vain() -> None:
    """To the next question of that person, or to the end of the round."""
    figures = side_figures("x", 1, [round_of((exchange(10, None), exchange(20, None)))])
    assert figures["unanswered"] == 2
    assert figures["voice_to_voice_ms"]["count"] == 2
    assert figures["voice_to_voice_ms"]["p50"] == pytest.approx((8_000 + 10_000) / 2)


def test_an_answer_into_the_question_is_early_and_no_fast_one() -> None:
    talked_over = exchange(10, 9.5)
    figures = side_figures("x", 1, [round_of((talked_over, exchange(20, 21)))])
    assert is_early(talked_over)
    assert figures["early"] == 1
    assert figures["voice_to_voice_ms"] == {"count": 1, "p50": 1000.0, "p95": 1000.0, "p99": 1000.0}


def test_an_answer_that_is_begun_anew_counts_from_its_first_sound() -> None:
    """Not so the sound of an answer to a question's first part, which began too early."""
    asked = exchange(10, 9.5)
    asked.begin_turn(10.2)
    asked.playback.arrive(10.6, LOUD)
    asked.begin_turn(11.0)
    asked.playback.arrive(12.0, LOUD)
    figures = side_figures("x", 1, [round_of((asked,))])
    assert figures["voice_to_voice_ms"]["p50"] == 600.0
    assert (figures["early"], figures["unanswered"], figures["cut_in_two"]) == (0, 0, 1)


def test_a_question_that_was_ended_twice_is_cut_in_two() -> None:
    figures = side_figures("x", 1, [round_of((exchange(10, 10.5, commits=2),))])
    assert figures["cut_in_two"] == 1


def test_a_session_that_was_lost_before_it_asked_brings_no_question() -> None:
    figures = side_figures("x", 2, [round_of((), (exchange(10, 10.5),), lost=1)])
    assert (figures["questions"], figures["lost"]) == (1, 1)


def test_a_side_that_refused_everybody_has_no_times_and_no_ratio() -> None:
    runs = [
        side_figures("parley", 4, [round_of((exchange(10, 10.5),))]),
        side_figures("peer", 4, [round_of(refused=4)]),
    ]
    assert runs[1]["voice_to_voice_ms"]["count"] == 0
    assert ratios(runs, "parley") == [{"name": "peer", "sessions": 4, "p50": None, "p95": None}]


def test_a_ratio_is_between_the_same_number_of_sessions() -> None:
    runs = [
        side_figures("parley", 1, [round_of((exchange(10, 10.4),))]),
        side_figures("peer", 1, [round_of((exchange(10, 11),))]),
        side_figures("peer", 4, [round_of((exchange(10, 15),))]),
    ]
    assert ratios(runs, "parley") == [{"name": "peer", "sessions": 1, "p50": 2.5, "p95": 2.5}]
