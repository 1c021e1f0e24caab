"""The last touch on synthesised speech: silence trimmed, level evened, ends faded, 16 bits.

Works on whole sentences; knows no engine.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

KEPT_SILENCE_MS: Final = 30
TARGET_LEVEL_DBFS: Final = -20.0
"""RMS of the voiced windows. espeak-ng gives -19.5 to -20.5 by itself, so it hardly changes."""

_WINDOW_MS: Final = 5
_FADE_MS: Final = 3
_SILENCE_BELOW_PEAK: Final = 10 ** (-50 / 20)
_SILENCE_FLOOR: Final = 10 ** (-60 / 20)
_VOICED_BELOW_PEAK: Final = 10 ** (-30 / 20)
_LARGEST_GAIN: Final = 10 ** (12 / 20)
_PEAK_LIMIT: Final = 10 ** (-1 / 20)


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
    """At most KEPT_SILENCE_MS of silence at either end; silence is 50 dB below the peak window."""
    window = max(1, rate_hz * _WINDOW_MS // 1000)
    levels = _window_levels(samples, window)
    loud = np.flatnonzero(levels > max(_SILENCE_FLOOR, levels.max() * _SILENCE_BELOW_PEAK))
    if not len(loud):
        return samples[:0]
    kept = rate_hz * KEPT_SILENCE_MS // 1000
    start = max(0, int(loud[0]) * window - kept)
    return samples[start : (int(loud[-1]) + 1) * window + kept]


def _window_levels(samples: Samples, window: int) -> NDArray[np.float64]:
    """RMS of each window, the last one padded with zeros; never empty."""
    count = max(1, -(-len(samples) // window))
    padded = np.zeros(count * window)
    padded[: len(samples)] = samples
    levels: NDArray[np.float64] = np.sqrt(np.mean(padded.reshape(count, window) ** 2, axis=1))
    return levels


def _levelling_gain(samples: Samples, rate_hz: int) -> float:
    levels = _window_levels(samples, max(1, rate_hz * _WINDOW_MS // 1000))
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
