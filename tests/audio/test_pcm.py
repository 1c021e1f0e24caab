"""PCM16 in and out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.pcm import (
    SILENCE_DBFS,
    FrameError,
    decode_pcm16,
    encode_pcm16,
    level_dbfs,
    to_int16,
    to_mono,
)


@given(st.binary(max_size=400).filter(lambda frame: len(frame) % 2 == 0))
def test_decoding_and_encoding_any_frame_gives_the_same_bytes(frame: bytes) -> None:
    assert encode_pcm16(decode_pcm16(frame)) == frame


def test_decoding_reads_little_endian_as_fractions_of_full_scale() -> None:
    samples = decode_pcm16(b"\x00\x40\x00\x80\xff\x7f")
    assert samples.dtype == np.float32
    assert samples.tolist() == [0.5, -1.0, pytest.approx(32767 / 32768)]


@pytest.mark.parametrize("frame", [b"\x00", b"\x00" * 641])
def test_an_odd_frame_is_refused_naming_its_size(frame: bytes) -> None:
    with pytest.raises(FrameError, match=f"{len(frame)} bytes"):
        decode_pcm16(frame)


def test_an_empty_frame_is_no_samples() -> None:
    assert decode_pcm16(b"").shape == (0,)


def test_encoding_clips_and_turns_nan_into_zero() -> None:
    wild = np.array([2.0, -3.0, np.nan, np.inf, -np.inf, 1.0], dtype=np.float32)
    assert np.frombuffer(encode_pcm16(wild), "<i2").tolist() == [
        32767,
        -32768,
        0,
        32767,
        -32768,
        32767,
    ]


def test_integers_pass_through_unchanged() -> None:
    samples = np.array([-32768, 0, 32767], dtype=np.int16)
    assert to_int16(samples).tolist() == samples.tolist()


def test_stereo_becomes_the_mean_of_its_channels() -> None:
    stereo = np.array([[1.0, 0.0], [-0.5, 0.5]], dtype=np.float32)
    assert to_mono(stereo).tolist() == [0.5, 0.0]


def test_integer_stereo_is_scaled_and_does_not_overflow() -> None:
    loud = np.full((3, 2), -32768, dtype=np.int16)
    assert to_mono(loud).tolist() == [-1.0, -1.0, -1.0]


@pytest.mark.parametrize(
    ("samples", "expected_dbfs"),
    [([1.0, -1.0], 0.0), ([0.5, -0.5], -6.02), ([0.1] * 8, -20.0), ([0.0] * 8, SILENCE_DBFS)],
)
def test_the_level_is_relative_to_a_full_scale_square_wave(
    samples: list[float], expected_dbfs: float
) -> None:
    assert level_dbfs(np.array(samples, np.float32)) == pytest.approx(expected_dbfs, abs=0.01)


def test_no_samples_and_the_faintest_samples_have_a_finite_level() -> None:
    assert level_dbfs(np.zeros(0, np.float32)) == SILENCE_DBFS
    assert level_dbfs(np.full(4, 1e-30, np.float32)) == SILENCE_DBFS
