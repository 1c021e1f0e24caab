"""What a listener would hear of late audio: a buffer of 100 ms hides as much, and no more."""

import numpy as np
import pytest

from benchmarks.playback import Playback, longest_gap_ms

RATE_HZ = 16_000
FRAME_SAMPLES = 640  # 40 ms
LOUD = np.full(FRAME_SAMPLES, 5000, "<i2").tobytes()
SILENT = bytes(2 * FRAME_SAMPLES)


def arrivals(*times_s: float) -> list[tuple[float, int]]:
    return [(at_s, FRAME_SAMPLES) for at_s in times_s]


def test_audio_that_comes_in_real_time_has_no_gap() -> None:
    steady = arrivals(*(10 + 0.04 * number for number in range(50)))
    assert longest_gap_ms(steady, RATE_HZ) == 0


def test_the_buffer_hides_a_frame_that_is_100_ms_late() -> None:
    assert longest_gap_ms(arrivals(1.0, 1.14), RATE_HZ) == pytest.approx(0, abs=1e-6)


def test_what_the_buffer_does_not_hide_is_a_gap() -> None:
    assert longest_gap_ms(arrivals(1.0, 1.20), RATE_HZ) == pytest.approx(60)


def test_audio_sent_ahead_covers_a_later_pause() -> None:
    """Ten frames at once are 400 ms, and the buffer gives 100 more."""
    assert longest_gap_ms(arrivals(*[1.0] * 10, 1.49), RATE_HZ) == 0
    assert longest_gap_ms(arrivals(*[1.0] * 10, 1.55), RATE_HZ) == pytest.approx(50)


def test_after_a_gap_the_next_late_frame_is_heard_at_once() -> None:
    """The buffer is used up: the same lateness again is heard from its first millisecond."""
    assert longest_gap_ms(arrivals(1.0, 1.15, 1.29), RATE_HZ) == pytest.approx(100)


def test_no_audio_and_one_frame_have_no_gap() -> None:
    assert longest_gap_ms([], RATE_HZ) == 0
    assert longest_gap_ms(arrivals(3.0), RATE_HZ) == 0


def test_the_first_audible_sample_waits_for_the_silence_before_it() -> None:
    """Two frames arrive together, the first of them silent: the sound starts 40 ms later."""
    playback = Playback(RATE_HZ)
    playback.arrive(5.0, SILENT)
    playback.arrive(5.0, LOUD)
    assert playback.audible_at_s == pytest.approx(5.04)
    assert playback.duration_s == pytest.approx(0.08)


def test_a_late_frame_is_audible_when_it_arrives() -> None:
    playback = Playback(RATE_HZ)
    playback.arrive(5.0, SILENT)
    playback.arrive(5.5, LOUD)
    assert playback.audible_at_s == pytest.approx(5.5)
    assert playback.longest_gap_ms == pytest.approx(360)


def test_silence_alone_is_never_audible() -> None:
    playback = Playback(RATE_HZ)
    playback.arrive(5.0, SILENT)
    assert playback.audible_at_s is None
