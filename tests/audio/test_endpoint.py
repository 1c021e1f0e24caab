"""Endpointing, on windows that are made up: no model, no clock."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.endpoint import (
    SAMPLES_PER_MS,
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    EndReason,
    SpeechContinued,
    SpeechDropped,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    UtteranceEnded,
)
from audio.vad import WINDOW_SAMPLES, VadWindow

SETTINGS = EndpointSettings(
    silence_ms=320, prefix_ms=300, minimum_speech_ms=128, maximum_utterance_ms=4_000
)
PREFIX_SAMPLES = 300 * SAMPLES_PER_MS
SILENCE_WINDOWS = 10


class Listener:
    """Feeds an endpointer from a drawing: `#` is a speech window, `~` an unclear one, `.` none.

    Every sample is its own position, so that an utterance shows where it was cut from.
    """

    def __init__(self, settings: EndpointSettings = SETTINGS) -> None:
        self.endpointer = Endpointer(settings)
        self.next_sample = 0

    def hear(self, drawing: str) -> list[EndpointEvent]:
        """All that it says of the drawing, but pauses and their ends."""
        told = (SpeechPaused, SpeechResumed)
        return [event for event in self.hear_all(drawing) if not isinstance(event, told)]

    def hear_all(self, drawing: str) -> list[EndpointEvent]:
        return [event for mark in drawing for event in self.endpointer.push(self._window(mark))]

    def _window(self, mark: str) -> VadWindow:
        start_sample = self.next_sample
        self.next_sample += WINDOW_SAMPLES
        positions = np.arange(start_sample, self.next_sample, dtype=np.float32)
        return VadWindow(start_sample, positions, 0.5, mark != ".", mark != "~")


def assert_holds_its_span(utterance: UtteranceEnded) -> None:
    span = np.arange(utterance.start_sample, utterance.end_sample, dtype=np.float32)
    assert np.array_equal(utterance.samples, span)
    assert utterance.start_sample < utterance.speech_end_sample <= utterance.end_sample


def at(window: int) -> int:
    return window * WINDOW_SAMPLES


def test_an_utterance_has_its_pre_roll_its_speech_and_the_silence_that_ended_it() -> None:
    started, ended = Listener().hear("." * 30 + "#" * 20 + "." * 10)
    assert started == SpeechStarted(at(30) - PREFIX_SAMPLES)
    assert isinstance(ended, UtteranceEnded)
    assert_holds_its_span(ended)
    assert ended.start_sample == at(30) - PREFIX_SAMPLES
    assert (ended.speech_end_sample, ended.end_sample) == (at(50), at(60))
    assert ended.reason is EndReason.SILENCE


def test_speech_is_reported_with_the_window_that_reaches_the_minimum() -> None:
    listener = Listener()
    assert listener.hear("." * 20 + "###") == []
    assert not listener.endpointer.is_speaking
    assert listener.hear("#") == [SpeechStarted(at(20) - PREFIX_SAMPLES)]
    assert listener.endpointer.is_speaking


def test_speech_at_the_very_start_has_the_pre_roll_that_there_is() -> None:
    assert Listener().hear("####") == [SpeechStarted(0)]


@pytest.mark.parametrize("onset", ["#.#.#.#", "##..##", "#....###", "#...#.##"])
def test_a_flickering_onset_counts_from_its_first_window(onset: str) -> None:
    events = Listener().hear("." * 20 + onset)
    assert events == [SpeechStarted(at(20) - PREFIX_SAMPLES)]


def test_an_earlier_click_is_no_part_of_the_onset() -> None:
    events = Listener().hear("." * 20 + "#......" + "####")
    assert events == [SpeechStarted(at(27) - PREFIX_SAMPLES)]


@pytest.mark.parametrize("burst", ["#", "##", "###", "#.##"])
def test_less_than_the_minimum_is_dropped_and_never_started(burst: str) -> None:
    events = Listener().hear("." * 20 + burst + "." * 20)
    assert events == [SpeechDropped(at(20), at(20 + len(burst)))]


def test_clicks_for_ever_start_nothing() -> None:
    events = Listener().hear("#......" * 500)
    assert not any(isinstance(event, SpeechStarted) for event in events)


def test_a_pause_shorter_than_the_silence_does_not_end() -> None:
    listener = Listener()
    assert len(listener.hear("####" + "." * 9 + "#" + "." * 9)) == 1
    assert len(listener.hear(".")) == 1


def test_a_pause_is_told_twice_with_what_the_utterance_would_be() -> None:
    """At 96 and at 192 ms, with the same samples: those of the first report."""
    _, early, long, ended = Listener().hear_all("." * 30 + "#" * 20 + "." * 10)
    assert isinstance(early, SpeechPaused)
    assert isinstance(long, SpeechPaused)
    assert isinstance(ended, UtteranceEnded)
    assert (early.is_long, long.is_long) == (False, True)
    for paused in (early, long):
        assert np.array_equal(paused.samples, ended.spoken)
        assert paused.speech_end_sample == ended.speech_end_sample == at(50)
    assert ended.start_sample + len(ended.spoken) == at(53)


def test_each_report_of_a_pause_comes_at_its_own_silence() -> None:
    """Three and six windows of silence; a shorter gap is none."""
    listener = Listener()
    listener.hear("####")
    told = [listener.hear_all(mark) for mark in "......"]
    assert [len(events) for events in told] == [0, 0, 1, 0, 0, 1]
    assert listener.hear_all("#..#") == [SpeechResumed()]


def test_marks_that_coincide_are_one_long_pause() -> None:
    """Nothing is worth a second report then."""
    listener = Listener(replace(SETTINGS, pause_ms=192))
    paused = listener.hear_all("####" + "." * 7)[-1]
    assert isinstance(paused, SpeechPaused)
    assert paused.is_long


@pytest.mark.parametrize(("drawing", "end"), [("#", 5), ("~", 4), ("~~", 4), ("~~~~", 6)])
def test_unclear_windows_at_the_end_count_as_silence_two_at_most(drawing: str, end: int) -> None:
    """Noise makes the model linger; the wait begins where clear speech ended."""
    *_, ended = Listener().hear("####" + drawing + "." * 10)
    assert isinstance(ended, UtteranceEnded)
    assert ended.speech_end_sample == at(end)
    assert ended.end_sample == at(end + 10)
    assert len(ended.spoken) == at(end + 3)


def test_unclear_windows_within_speech_are_no_pause() -> None:
    """However many: the speaker was never silent."""
    assert [type(event) for event in Listener().hear_all("####" + "~" * 40 + "#")] == [
        SpeechStarted
    ]


def test_a_pause_tells_how_the_words_came() -> None:
    """The speech so far with its pauses, and the longest pause that was spoken after."""
    listener = Listener()
    listener.hear("." * 20)
    pauses = [
        event
        for event in listener.hear_all("####....#.##......##...")
        if isinstance(event, SpeechPaused)
    ]
    assert [
        (one.delivery.speech_ms // 32, one.delivery.longest_pause_ms // 32) for one in pauses
    ] == [
        (4, 0),
        (12, 4),
        (12, 4),
        (20, 6),
    ]


def test_running_speech_is_reported_every_so_often_and_silence_is_not() -> None:
    """Each report holds the utterance so far; the next counts from the one before."""
    listener = Listener(replace(SETTINGS, continued_ms=320))
    assert isinstance(listener.hear_all("####")[-1], SpeechStarted)
    assert listener.hear_all("#" * 9) == []
    (continued,) = listener.hear_all("#")
    assert isinstance(continued, SpeechContinued)
    assert np.array_equal(continued.samples, np.arange(at(14), dtype=np.float32))
    assert not any(isinstance(event, SpeechContinued) for event in listener.hear_all("#" * 5))
    assert not any(isinstance(event, SpeechContinued) for event in listener.hear_all("." * 8))
    assert [type(event) for event in listener.hear_all("#")] == [SpeechResumed, SpeechContinued]


def test_speech_after_a_pause_is_told_and_may_pause_again() -> None:
    listener = Listener()
    assert [type(event) for event in listener.hear_all("####" + "." * 2 + "#" + "." * 5)] == [
        SpeechStarted,
        SpeechPaused,
    ]
    assert [type(event) for event in listener.hear_all("##" + "." * 6)] == [
        SpeechResumed,
        SpeechPaused,
        SpeechPaused,
    ]


def test_the_silence_so_far_is_counted_while_speaking_only() -> None:
    listener = Listener()
    listener.hear("...")
    assert listener.endpointer.silence_samples == 0
    listener.hear("####")
    assert listener.endpointer.silence_samples == 0
    listener.hear("...")
    assert listener.endpointer.silence_samples == 3 * WINDOW_SAMPLES
    listener.hear("." * 7)
    assert listener.endpointer.silence_samples == 0


def test_the_wait_may_be_shortened_and_lengthened_between_windows() -> None:
    listener = Listener()
    listener.hear("####" + "." * 5)
    listener.endpointer.silence_ms = 640
    assert listener.hear("." * 14) == []
    listener.endpointer.silence_ms = 200
    (ended,) = listener.hear(".")
    assert isinstance(ended, UtteranceEnded)
    assert ended.end_sample == at(24)
    assert listener.endpointer.silence_ms == 200


@pytest.mark.parametrize("silence_ms", [0, -1, 4_001])
def test_a_wait_out_of_range_is_refused_and_the_old_one_stays(silence_ms: int) -> None:
    endpointer = Endpointer(SETTINGS)
    with pytest.raises(ValueError, match=f"{silence_ms}.*1 to 4000"):
        endpointer.silence_ms = silence_ms
    assert endpointer.silence_ms == 320


def test_settings_name_every_value_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"silence_ms is 0 .*prefix_ms is -1 .*minimum"):
        EndpointSettings(silence_ms=0, prefix_ms=-1, minimum_speech_ms=99_999)


def test_a_long_utterance_is_cut_at_the_limit_and_continued_without_a_gap() -> None:
    events = Listener().hear("." * 12 + "#" * 400 + "." * 10)
    utterances = [event for event in events if isinstance(event, UtteranceEnded)]
    starts = [event for event in events if isinstance(event, SpeechStarted)]
    assert [u.reason for u in utterances] == [EndReason.LIMIT] * 3 + [EndReason.SILENCE]
    assert [start.start_sample for start in starts] == [u.start_sample for u in utterances]
    for utterance in utterances:
        assert_holds_its_span(utterance)
        assert len(utterance.samples) <= 4_000 * SAMPLES_PER_MS
    joined = np.concatenate([utterance.samples for utterance in utterances])
    first = at(12) - PREFIX_SAMPLES
    assert np.array_equal(joined, np.arange(first, at(422), dtype=np.float32))


@pytest.mark.parametrize("pause_windows", [1, 5, 9])
def test_a_pause_at_the_cut_belongs_to_the_next_utterance(pause_windows: int) -> None:
    cut, started = Listener().hear("#" * 125 + "." * pause_windows + "####")[1:]
    assert isinstance(cut, UtteranceEnded)
    assert cut.reason is EndReason.LIMIT
    assert started == SpeechStarted(cut.end_sample)


def test_speech_long_after_the_cut_has_the_usual_pre_roll() -> None:
    *_, started = Listener().hear("#" * 125 + "." * 40 + "####")
    assert started == SpeechStarted(at(165) - PREFIX_SAMPLES)


def test_lengthening_the_wait_after_a_cut_brings_nothing_forgotten_back() -> None:
    listener = Listener()
    listener.hear("#" * 125 + "." * 40)
    listener.endpointer.silence_ms = 4_000
    assert listener.hear("." * 5 + "####") == [SpeechStarted(at(170) - PREFIX_SAMPLES)]


def test_silence_after_a_cut_at_the_limit_is_no_utterance() -> None:
    events = Listener().hear("#" * 125 + "." * 40)
    assert [type(event) for event in events] == [SpeechStarted, UtteranceEnded]


def test_the_silence_that_ended_one_utterance_serves_the_next_as_pre_roll() -> None:
    events = Listener().hear("####" + "." * 10 + "####")
    first, second = (event for event in events if isinstance(event, SpeechStarted))
    assert (first.start_sample, second.start_sample) == (0, at(14) - PREFIX_SAMPLES)


def test_no_speech_is_heard_twice_where_the_silence_is_shorter_than_the_pre_roll() -> None:
    short = replace(SETTINGS, silence_ms=64)
    events = Listener(short).hear("#" * 20 + ".." + "####")
    assert isinstance(events[1], UtteranceEnded)
    assert events[2] == SpeechStarted(events[1].speech_end_sample)


def test_a_commit_ends_the_running_utterance_at_once() -> None:
    listener = Listener()
    listener.hear("." * 20 + "#" * 10 + "..")
    (ended,) = listener.endpointer.commit()
    assert isinstance(ended, UtteranceEnded)
    assert_holds_its_span(ended)
    assert (ended.reason, ended.end_sample) == (EndReason.COMMIT, at(32))
    assert listener.endpointer.commit() == []


def test_a_commit_drops_what_is_below_the_minimum() -> None:
    listener = Listener()
    listener.hear("." * 20 + "##.")
    assert listener.endpointer.commit() == [SpeechDropped(at(20), at(22))]
    assert listener.hear("." * 20) == []


def test_a_commit_in_silence_reports_nothing() -> None:
    listener = Listener()
    assert listener.endpointer.commit() == []
    listener.hear("....")
    assert listener.endpointer.commit() == []


def test_clear_forgets_the_utterance_and_the_pre_roll() -> None:
    listener = Listener()
    listener.hear("#" * 10)
    listener.endpointer.clear()
    assert not listener.endpointer.is_speaking
    assert listener.hear("####") == [SpeechStarted(at(10))]


def test_the_utterance_so_far_can_be_read_while_it_runs() -> None:
    listener = Listener()
    listener.hear("." * 20 + "###")
    assert listener.endpointer.samples_so_far().size == 0
    listener.hear("##")
    expected = np.arange(at(20) - PREFIX_SAMPLES, at(25), dtype=np.float32)
    assert np.array_equal(listener.endpointer.samples_so_far(), expected)


@given(st.text(alphabet="#.", max_size=700), st.integers(1, 1_000))
def test_any_windows_give_ordered_utterances_from_bounded_memory(
    drawing: str, silence_ms: int
) -> None:
    listener = Listener(replace(SETTINGS, silence_ms=silence_ms))
    endpointer = listener.endpointer
    is_started = False
    heard_until = 0
    for mark in drawing:
        for event in listener.hear(mark):
            assert isinstance(event, UtteranceEnded) == is_started
            is_started = isinstance(event, SpeechStarted)
            if isinstance(event, UtteranceEnded):
                assert_holds_its_span(event)
                assert event.start_sample >= heard_until
                assert len(event.samples) <= 4_000 * SAMPLES_PER_MS
                heard_until = event.speech_end_sample
        assert endpointer.is_speaking == is_started
        assert endpointer.held_samples <= 4_000 * SAMPLES_PER_MS


def test_while_nobody_speaks_only_the_pre_roll_is_kept() -> None:
    listener = Listener()
    for mark in ("." * 50 + "#......" * 50 + "####" + "." * 200) * 2:
        listener.hear(mark)
        if not listener.endpointer.is_speaking:
            assert listener.endpointer.held_samples < PREFIX_SAMPLES + 9 * WINDOW_SAMPLES


@pytest.mark.parametrize("drawing", ["." * 1_000, "#......" * 150, "#" * 1_000])
def test_memory_does_not_grow_with_what_is_heard(drawing: str) -> None:
    listener = Listener()
    listener.hear(drawing)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            listener.hear(drawing)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4_000 * SAMPLES_PER_MS * 4 + 100_000
    assert listener.endpointer.held_samples <= 4_000 * SAMPLES_PER_MS
