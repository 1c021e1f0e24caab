"""Speech leaves the engines trimmed, even in level, without clicks and without clipping."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.voice_finish import KEPT_AFTER_MS, KEPT_BEFORE_MS, Samples, finish, trim_silence

RATE_HZ = 22_050


def tone(duration_ms: int, amplitude: float) -> Samples:
    times = np.arange(RATE_HZ * duration_ms // 1000) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


def silence(duration_ms: int) -> Samples:
    return np.zeros(RATE_HZ * duration_ms // 1000, np.float32)


def test_long_silence_at_both_ends_is_cut_to_what_is_kept() -> None:
    trimmed = trim_silence(np.concatenate([silence(500), tone(400, 0.3), silence(900)]), RATE_HZ)
    assert len(trimmed) / RATE_HZ * 1000 == pytest.approx(
        400 + KEPT_BEFORE_MS + KEPT_AFTER_MS, abs=12
    )


def test_a_soft_ending_is_speech_and_not_silence() -> None:
    trimmed = trim_silence(np.concatenate([tone(300, 0.5), tone(200, 0.004)]), RATE_HZ)
    assert len(trimmed) / RATE_HZ * 1000 == pytest.approx(500, abs=6)


@pytest.mark.parametrize("samples", [silence(0), silence(300), tone(300, 0.0005)])
def test_silence_alone_gives_no_samples(samples: Samples) -> None:
    assert len(finish(samples, RATE_HZ)) == 0


@pytest.mark.parametrize("amplitude", [0.06, 0.2, 0.5])
def test_sentences_of_any_level_come_out_alike(amplitude: float) -> None:
    finished = finish(tone(500, amplitude), RATE_HZ) / 32768
    assert 20 * np.log10(np.sqrt(np.mean(finished**2))) == pytest.approx(-20, abs=0.5)


def test_a_level_may_be_kept_but_still_never_clips() -> None:
    kept = finish(tone(300, 0.5), RATE_HZ, is_levelled=False)
    assert np.abs(kept).max() == pytest.approx(0.5 * 32767, rel=0.01)
    assert np.abs(finish(tone(300, 2.0), RATE_HZ, is_levelled=False)).max() < 0.9 * 32767


def test_whispered_noise_is_not_blown_up_without_bound() -> None:
    assert np.abs(finish(tone(300, 0.002), RATE_HZ)).max() <= 4 * 0.002 * 32768


def test_both_ends_are_faded_to_zero() -> None:
    finished = finish(np.full(RATE_HZ, 0.3, np.float32), RATE_HZ)
    assert finished[0] == 0
    assert finished[-1] == 0
    assert np.abs(np.diff(finished.astype(int))).max() < 0.02 * 32767


@given(st.lists(st.floats(-4, 4, width=32), max_size=400), st.sampled_from([8000, 16_000, 22_050]))
def test_anything_is_finished_below_clipping_and_never_made_longer(
    values: list[float], rate_hz: int
) -> None:
    finished = finish(np.array(values, np.float32), rate_hz)
    assert finished.dtype == np.int16
    assert len(finished) <= len(values)
    assert not len(finished) or np.abs(finished.astype(int)).max() <= 0.9 * 32768
