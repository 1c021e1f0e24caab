"""Sample-rate conversion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.pcm import Samples
from audio.rate import RateError
from audio.resample import ChannelError, Resampler, resample
from tests.audio.sounds import tone, white_noise

NOISE = white_noise(0.5, level=0.2)

rates = st.one_of(
    st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000]),
    st.integers(8_000, 96_000),
)


def in_chunks(resampler: Resampler, samples: Samples, sizes: list[int]) -> Samples:
    parts: list[Samples] = []
    start = 0
    while start < len(samples):
        size = sizes[len(parts) % len(sizes)]
        parts.append(resampler.process(samples[start : start + size]))
        start += size
    return np.concatenate([*parts, resampler.flush()])


@given(rates, rates, st.lists(st.integers(0, 3_000), min_size=1, max_size=9).filter(any))
@settings(max_examples=60, deadline=None)
def test_chunks_of_any_size_join_to_the_one_shot_result(
    source_hz: int, target_hz: int, sizes: list[int]
) -> None:
    streamed = in_chunks(Resampler(source_hz, target_hz), NOISE, sizes)
    np.testing.assert_allclose(streamed, resample(NOISE, source_hz, target_hz), atol=1e-6)


@given(rates, rates, st.integers(1, 8_000))
@settings(max_examples=60, deadline=None)
def test_the_duration_stays(source_hz: int, target_hz: int, length: int) -> None:
    converted = resample(NOISE[:length], source_hz, target_hz)
    assert converted.dtype == np.float32
    assert abs(len(converted) - length * target_hz / source_hz) <= 1


@pytest.mark.parametrize("source_hz", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_phase_and_level(source_hz: int) -> None:
    converted = resample(tone(1_000, 1.0, source_hz), source_hz, 16_000)
    error = converted - tone(1_000, 1.0, 16_000)
    assert np.abs(error[400:-400]).max() < 1e-4


def test_a_tone_above_the_target_band_is_removed() -> None:
    converted = resample(tone(9_000, 1.0, 48_000), 48_000, 16_000)
    assert np.abs(converted[400:-400]).max() < 1e-4


def test_stereo_is_mixed_down_from_pairs_and_from_one_interleaved_row() -> None:
    left, right = tone(500, 0.5, 48_000), tone(700, 0.5, 48_000)
    pairs = np.stack([left, right], axis=1)
    expected = resample((left + right) * np.float32(0.5), 48_000, 16_000)
    for stereo in (pairs, pairs.reshape(-1)):
        resampler = Resampler(48_000, 16_000, channels=2)
        converted = np.concatenate([resampler.process(stereo), resampler.flush()])
        np.testing.assert_allclose(converted, expected, atol=1e-6)


def test_equal_rates_pass_samples_through_at_once() -> None:
    resampler = Resampler(16_000, 16_000)
    assert np.array_equal(resampler.process(NOISE), NOISE)
    assert resampler.flush().shape == (0,)


def test_a_flushed_resampler_starts_a_new_stream() -> None:
    resampler = Resampler(44_100, 16_000)
    first = in_chunks(resampler, NOISE, [441])
    assert np.array_equal(in_chunks(resampler, NOISE, [441]), first)


def test_a_stream_of_nothing_is_nothing() -> None:
    resampler = Resampler(48_000, 16_000)
    assert resampler.process(np.zeros(0, np.float32)).size == 0
    assert resampler.flush().size == 0


@pytest.mark.parametrize(("source_hz", "target_hz"), [(7_999, 16_000), (16_000, 192_000)])
def test_other_rates_are_refused_listing_what_is_accepted(source_hz: int, target_hz: int) -> None:
    with pytest.raises(RateError, match="8000 to 96000 Hz"):
        Resampler(source_hz, target_hz)


@pytest.mark.parametrize("channels", [0, 3, 8])
def test_other_channel_counts_are_refused_listing_what_is_accepted(channels: int) -> None:
    with pytest.raises(ChannelError, match="1 or 2"):
        Resampler(48_000, 16_000, channels)


@pytest.mark.parametrize(
    ("channels", "shape"), [(2, (3,)), (2, (4, 1)), (1, (4, 2)), (2, (2, 2, 2))]
)
def test_a_chunk_of_another_shape_is_refused(channels: int, shape: tuple[int, ...]) -> None:
    with pytest.raises(ChannelError, match="Accepted"):
        Resampler(48_000, 16_000, channels).process(np.zeros(shape, np.float32))
