"""Trimming and fading the edges of a clip."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.shape import fade_edges, trim_leading_silence
from tests.audio.sounds import RATE_HZ, silence, tone

SPOKEN = np.concatenate([silence(0.2), tone(300, 0.1)])
AS_INTEGERS = (SPOKEN * 32767).astype(np.int16)


@pytest.mark.parametrize("clip", [SPOKEN, AS_INTEGERS])
def test_silence_before_the_first_sound_is_cut_to_what_is_kept(clip: NDArray[np.float32]) -> None:
    trimmed = trim_leading_silence(clip, RATE_HZ, keep_ms=10)
    assert trimmed.dtype == clip.dtype
    assert abs(len(trimmed) - 110 * RATE_HZ // 1000) <= 2
    assert np.array_equal(trimmed, clip[-len(trimmed) :])


def test_a_clip_that_begins_at_once_stays_whole() -> None:
    loud = tone(300, 0.1) + np.float32(0.2)
    assert np.array_equal(trim_leading_silence(loud, RATE_HZ, keep_ms=10), loud)


def test_faint_noise_counts_as_silence_and_full_negative_scale_as_sound() -> None:
    clip = np.array([40, -60] * 800 + [-32768], dtype=np.int16)
    assert trim_leading_silence(clip, RATE_HZ, keep_ms=0).tolist() == [-32768]


def test_a_silent_clip_is_reduced_to_what_is_kept() -> None:
    assert len(trim_leading_silence(silence(1.0), RATE_HZ, keep_ms=10)) == 160
    assert trim_leading_silence(silence(0.0), RATE_HZ, keep_ms=10).size == 0


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_faded_edges_begin_and_end_at_zero_and_the_middle_stays(kind: type[np.generic]) -> None:
    clip = np.full(1_600, 8_000).astype(kind)
    faded = fade_edges(clip, RATE_HZ, fade_ms=5)
    assert faded.dtype == clip.dtype
    assert faded[0] == faded[-1] == 0
    assert np.array_equal(faded[80:-80], clip[80:-80])
    assert np.all(np.diff(faded[:80].astype(float)) >= 0)
    assert np.all(clip == 8_000), "the clip given must not be changed"


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_clips_shorter_than_their_ramps_are_faded_too(length: int) -> None:
    faded = fade_edges(np.ones(length, dtype=np.float32), RATE_HZ, fade_ms=5)
    assert len(faded) == length
    assert np.all((faded >= 0) & (faded <= 1))


def test_no_fade_changes_nothing() -> None:
    assert np.array_equal(fade_edges(SPOKEN, RATE_HZ, fade_ms=0), SPOKEN)
