"""A reply's times and mistakes are read off the client's own clock."""

import numpy as np
import pytest

from audio.wavfile import WavAudio
from benchmarks.latency import Run, heard_question, judge, summarise
from server.client import Reply

RATE_HZ = 16_000
ENDS_S = 2.0
"""The recording: two seconds of sound and one of silence, asked at 100 s."""


def recording() -> WavAudio:
    sound = np.full(3 * RATE_HZ, 0.3, np.float32)
    sound[int(ENDS_S * RATE_HZ) :] = 0
    return WavAudio(sound, RATE_HZ)


def reply(*, committed_at_s: float = 102.3, cache: str = "miss", barge_in: bool = False) -> Reply:
    """Answered with 40 ms of sound at 102.4 s."""
    turn = {
        "type": "parley.turn",
        "outcome": "answered",
        "transcript": "where is it",
        "voice_to_voice_ms": 390.0,
        "segments": {"endpoint_wait": 300.0, "send": 90.0},
        "cache": dict.fromkeys(("search", "answer", "tts"), cache),
    }
    made = Reply(rate_hz=RATE_HZ, question_ended_at_s=103.0, first_audio_at_s=102.4)
    made.events = [{"type": "input_audio_buffer.committed"}]
    made.event_arrivals_s = [committed_at_s]
    if barge_in:
        made.events.append(turn | {"outcome": "cancelled"})
        made.event_arrivals_s.append(102.5)
    made.events.append(turn)
    made.event_arrivals_s.append(103.5)
    made.audio, made.audio_arrivals = [b"\x00\x20" * 640], [(102.4, 640)]
    return made


def test_the_wait_is_left_out_of_what_an_answer_from_the_cache_costs() -> None:
    """From the news that the utterance is over to the first audible sample."""
    turn = judge("a.wav", recording(), reply(cache="hit"))
    assert turn.voice_to_voice_ms == pytest.approx(400)
    assert turn.over_wait_ms == pytest.approx(100)
    assert turn.is_cached


def test_a_question_heard_well_has_no_mistake() -> None:
    heard = heard_question(recording(), reply(), "where is it")
    assert heard.speech_ends_at_s == pytest.approx(102)
    assert (heard.is_premature, heard.is_missed, heard.false_barge_ins) == (False, False, 0)


def test_a_commit_before_the_true_end_is_premature() -> None:
    assert heard_question(recording(), reply(committed_at_s=101.9), None).is_premature


def test_an_answer_that_ended_by_itself_is_a_false_barge_in() -> None:
    assert heard_question(recording(), reply(barge_in=True), None).false_barge_ins == 1


def test_the_figures_tell_cached_turns_and_accuracy() -> None:
    cold, cached = reply(), reply(cache="hit")
    run = Run(
        [judge("a.wav", recording(), each) for each in (cold, cached)],
        [heard_question(recording(), each, "where is it now") for each in (cold, cached)],
        {"stt": "pocketsphinx"},
        {"server_cores": 0.5, "client_cores": 0.01, "server_event_loop_cores": 0.1},
    )
    figures = summarise(run)
    assert figures["cached_over_wait_ms"]["count"] == 1
    assert figures["cached_over_wait_ms"]["p95"] == pytest.approx(100)
    assert figures["accuracy"]["wer_percent"] == 25.0
    assert figures["questions_ms"] == {"a.wav": 400.0}
    assert figures["server_cores"] == 0.5
