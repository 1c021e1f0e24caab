"""audio/prompt_resample.py: soon, and as good as in one go."""

import numpy as np
import pytest

from audio.prompt_resample import PromptResampler
from audio.rate import RateError
from audio.resample import resample

TARGET_HZ = 16_000


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("chunk_ms", [7, 20, 500])
def test_chunks_join_to_what_one_go_gives(rate_hz: int, chunk_ms: int) -> None:
    """Any chunk size: the same signal, from its first sample on, within -60 dB."""
    sound = np.random.default_rng(1).normal(0, 0.1, 2 * rate_hz).astype(np.float32)
    resampler = PromptResampler(rate_hz, TARGET_HZ)
    size = rate_hz * chunk_ms // 1000
    pieces = [resampler.process(sound[at : at + size]) for at in range(0, len(sound), size)]
    joined, whole = np.concatenate(pieces), resample(sound, rate_hz, TARGET_HZ)
    inner = slice(200, len(joined) - 200)
    error = joined[inner] - whole[inner]
    assert 20 * np.log10(np.std(error) / np.std(whole)) < -60


@pytest.mark.parametrize(("rate_hz", "most_ms"), [(8_000, 5.5), (24_000, 2.75), (48_000, 2.75)])
def test_it_runs_a_few_milliseconds_behind(rate_hz: int, most_ms: float) -> None:
    """After every frame of 20 ms all but the delay has been given."""
    resampler = PromptResampler(rate_hz, TARGET_HZ)
    assert resampler.delay_ms <= most_ms
    given = 0
    for number in range(1, 50):
        given += len(resampler.process(np.zeros(rate_hz // 50, np.float32)))
        assert 20 * number - given / 16 <= most_ms + 0.2


def test_equal_rates_pass_and_others_are_refused() -> None:
    """The same array; RateError as everywhere."""
    chunk = np.ones(320, np.float32)
    assert PromptResampler(TARGET_HZ, TARGET_HZ).process(chunk) is chunk
    assert PromptResampler(TARGET_HZ, TARGET_HZ).delay_ms == 0
    assert len(PromptResampler(24_000, TARGET_HZ).process(chunk[:10])) == 0
    with pytest.raises(RateError):
        PromptResampler(4_000, TARGET_HZ)
