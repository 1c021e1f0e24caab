"""benchmarks/speech_edges.py: the true end of speech, which no voice activity model decides."""

import numpy as np
import pytest

from audio.pcm import Samples
from benchmarks.speech_edges import speech_end_sample

RATE_HZ = 16_000


def sound(level_db: float, duration_ms: int) -> Samples:
    """A tone that far below full scale."""
    times = np.arange(RATE_HZ * duration_ms // 1000) / RATE_HZ
    tone: Samples = (10 ** (level_db / 20) * np.sin(2 * np.pi * 200 * times)).astype(np.float32)
    return tone


def joined(*parts: tuple[float, int]) -> Samples:
    return np.concatenate([sound(*part) for part in parts])


def test_a_last_sound_that_fades_is_speech() -> None:
    """35 dB below the loudest, straight after louder speech or after a short closure."""
    assert speech_end_sample(joined((0, 500), (-35, 80), (-60, 500)), RATE_HZ) == 580 * 16
    faded = joined((0, 500), (-60, 60), (-35, 80), (-60, 500))
    assert speech_end_sample(faded, RATE_HZ) == 640 * 16


@pytest.mark.parametrize("level_db", [-32, -36, -39])
def test_a_quiet_noise_long_after_the_last_word_is_none(level_db: float) -> None:
    """A hum, or the button that stops the recording."""
    noisy = joined((0, 500), (-60, 2000), (level_db, 60), (-60, 100))
    assert speech_end_sample(noisy, RATE_HZ) == 500 * 16


def test_a_word_after_a_pause_is_speech() -> None:
    """However long the pause is."""
    assert speech_end_sample(joined((0, 500), (-60, 2000), (-20, 300)), RATE_HZ) == 2800 * 16


def test_silence_ends_at_once() -> None:
    """Nothing was said."""
    assert speech_end_sample(np.zeros(8000, np.float32), RATE_HZ) == 0
