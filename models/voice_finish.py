"""The last touch on synthesised speech: silence trimmed, level evened, ends faded, 16 bits.

Works on whole sentences; knows no engine.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.tts import Speech
from models.word_times import before_pauses

Samples = NDArray[np.float32]

KEPT_BEFORE_MS: Final = 10
"""Enough for the fade; every further millisecond would make the answer later."""
KEPT_AFTER_MS: Final = 30
TARGET_LEVEL_DBFS: Final = -20.0
"""RMS of the voiced windows. espeak-ng gives -19.5 to -20.5 by itself, so it hardly changes."""

_WINDOW_MS: Final = 5
_FADE_MS: Final = 5
_SILENCE_BELOW_PEAK: Final = 10 ** (-50 / 20)
_SILENCE_FLOOR: Final = 10 ** (-60 / 20)
_VOICED_BELOW_PEAK: Final = 10 ** (-30 / 20)
_LARGEST_GAIN: Final = 10 ** (12 / 20)
_PEAK_LIMIT: Final = 10 ** (-1 / 20)


def finished_speech(
    samples: Samples,
    rate_hz: int,
    engine: str,
    word_ends: Sequence[int] = (),
    is_levelled: bool = True,
) -> Speech:
    """`finish`, with the words' ends in the untrimmed samples moved along; see `Speech`."""
    finished = finish(samples, rate_hz, is_levelled)
    if not len(finished):
        return Speech(finished, rate_hz, engine)
    window = _window_samples(rate_hz)
    before = before_pauses(word_ends, list(_loud_windows(samples, rate_hz)), window)
    start, _ = _kept_range(samples, rate_hz)
    ends = tuple(min(max(0, end - start), len(finished)) for end in before)
    return Speech(finished, rate_hz, engine, ends)


def finish(samples: Samples, rate_hz: int, is_levelled: bool = True) -> NDArray[np.int16]:
    """Float speech in [-1, 1] to what is played; nothing but silence gives zero samples.

    Levelling changes the gain by at most 12 dB either way, and no peak passes -1 dBFS. Per-sentence
    peak normalisation, Piper's default, would make a soft "hm" as loud as a shout.
    """
    trimmed = trim_silence(samples, rate_hz)
    if not len(trimmed):
        return np.zeros(0, np.int16)
    gain = _levelling_gain(trimmed, rate_hz) if is_levelled else 1.0
    gain = min(gain, _PEAK_LIMIT / float(np.abs(trimmed).max()))
    return np.rint(_faded(trimmed * np.float32(gain), rate_hz) * 32767).astype(np.int16)


def trim_silence(samples: Samples, rate_hz: int) -> Samples:
    """KEPT_BEFORE_MS and KEPT_AFTER_MS of silence at most; it is 50 dB below the peak window."""
    start, end = _kept_range(samples, rate_hz)
    return samples[start:end]


def _kept_range(samples: Samples, rate_hz: int) -> tuple[int, int]:
    window = _window_samples(rate_hz)
    loud = np.flatnonzero(_loud_windows(samples, rate_hz))
    if not len(loud):
        return 0, 0
    start = max(0, int(loud[0]) * window - rate_hz * KEPT_BEFORE_MS // 1000)
    return start, (int(loud[-1]) + 1) * window + rate_hz * KEPT_AFTER_MS // 1000


def _loud_windows(samples: Samples, rate_hz: int) -> NDArray[np.bool_]:
    levels = _window_levels(samples, _window_samples(rate_hz))
    loud: NDArray[np.bool_] = levels > max(_SILENCE_FLOOR, levels.max() * _SILENCE_BELOW_PEAK)
    return loud


def _window_samples(rate_hz: int) -> int:
    return max(1, rate_hz * _WINDOW_MS // 1000)


def _window_levels(samples: Samples, window: int) -> NDArray[np.float64]:
    """RMS of each window, the last one padded with zeros; never empty."""
    count = max(1, -(-len(samples) // window))
    padded = np.zeros(count * window)
    padded[: len(samples)] = samples
    levels: NDArray[np.float64] = np.sqrt(np.mean(padded.reshape(count, window) ** 2, axis=1))
    return levels


def _levelling_gain(samples: Samples, rate_hz: int) -> float:
    levels = _window_levels(samples, _window_samples(rate_hz))
    voiced = levels[levels >= levels.max() * _VOICED_BELOW_PEAK]
    level = float(np.sqrt(np.mean(voiced**2)))
    return float(np.clip(10 ** (TARGET_LEVEL_DBFS / 20) / level, 1 / _LARGEST_GAIN, _LARGEST_GAIN))


def _faded(samples: Samples, rate_hz: int) -> Samples:
    length = min(len(samples) // 2, rate_hz * _FADE_MS // 1000)
    ramp = np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    faded = samples.copy()
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded
