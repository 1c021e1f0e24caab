"""The load counts every question that was scheduled, answered or not."""

import pytest

from benchmarks.load import summarise
from benchmarks.load_session import Exchange, LoadSession, waited_ms
from benchmarks.playback import Playback
from benchmarks.schedule import Schedule

RATE_HZ = 16_000
LOUD = b"\x00\x20" * 640


def exchange(begins_at_s: float, heard_at_s: float | None) -> Exchange:
    made = Exchange("q.wav", begins_at_s, begins_at_s + 3.0, Playback(RATE_HZ), "what now")
    made.commits_at_s = [begins_at_s + 3.3]
    if heard_at_s is not None:
        made.playback.arrive(heard_at_s, LOUD)
        made.turn = {
            "outcome": "answered",
            "transcript": "what now",
            "segments": {"endpoint_wait": 300.0, "send": 0.5},
            "voice_to_voice_ms": 300.5,
            "cache": {"search": "miss", "answer": "miss", "tts": "miss"},
        }
    return made


def session(*exchanges: Exchange) -> LoadSession:
    """One that has run; the connection is not touched any more."""
    made = LoadSession.__new__(LoadSession)
    made.exchanges, made.latest_frame_ms, made.lost_code = list(exchanges), 1.0, None
    made.engines = {"stt": "stand-in"}
    return made


def test_a_session_that_was_lost_before_it_asked_waited_for_nothing() -> None:
    assert waited_ms([], 50) == []


def test_latency_runs_from_the_scheduled_end_of_speech() -> None:
    assert waited_ms([exchange(10, 13.4)], 40) == [pytest.approx(400)]


def test_an_unanswered_question_counts_with_the_time_waited_in_vain() -> None:
    """To the next question of its session, or to the end."""
    asked = [exchange(10, None), exchange(22, 25.5), exchange(34, None)]
    assert waited_ms(asked, 50) == [pytest.approx(9000), pytest.approx(500), pytest.approx(13000)]


def test_the_sums_have_the_promised_keys() -> None:
    run = [session(exchange(0, 3.4), exchange(12, None)), session(exchange(6, 9.5))]
    figures = summarise(Schedule(sessions=3, seconds=24, every_s=12), run, 30)
    assert (figures["sessions"], figures["refused"], figures["questions"]) == (3, 1, 3)
    assert figures["unanswered"] == 1
    assert figures["outcomes"] == {"answered": 2, "none": 1}
    assert set(figures["voice_to_voice_ms"]) == {"count", "p50", "p95", "p99"}
    assert figures["voice_to_voice_ms"]["count"] == 3
    assert set(figures["segments"]) == {"endpoint_wait", "send"}
    assert figures["segments_sum_error_ms_max"] == 0
    assert figures["longest_gap_ms"] == 0
    assert figures["cached"] == 0
    assert figures["answer_s"]["mean"] == 0.0
    assert figures["degraded_percent"] == 0
    assert figures["accuracy"] == {
        "premature_percent": 0.0,
        "missed_percent": 0.0,
        "false_barge_ins": 0,
        "wer_percent": None,
        "wer": "scripted",
        "questions": 3,
    }


def test_a_load_that_was_refused_whole_sums_up_to_nothing() -> None:
    figures = summarise(Schedule(2, 10, 12), [], 20)
    assert (figures["refused"], figures["questions"]) == (2, 0)


def test_a_second_turn_of_a_question_replaces_the_answer_to_its_first_part() -> None:
    asked = exchange(10, 11.5)
    asked.begin_turn(13.4)
    assert asked.playback.audible_at_s is None
    assert (asked.commits_at_s, asked.turn) == ([13.3, 13.4], {})
