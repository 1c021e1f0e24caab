"""Where speech ends in a recording and an answer becomes audible, by energy alone."""

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples

FRAME_MS = 10
BELOW_PEAK_DB = 40.0
"""A frame this far below the loudest one is no speech: words' last sounds are 20 to 35 dB below."""
SURELY_SPEECH_DB = 30.0
"""Frames this close to the loudest one are speech; quieter ones only where they follow such speech
by at most REACH_MS. A hum or the click of a button after the last word is neither.
"""
REACH_MS = 100
AUDIBLE_PEAK = 328
"""1% of full scale (-40 dBFS): quieter samples are not heard as the start of an answer."""


def speech_end_sample(samples: Samples, rate_hz: int) -> int:
    """Return the sample after the last frame of speech; 0 for silence."""
    size = rate_hz * FRAME_MS // 1000
    count = len(samples) // size
    if not count:
        return 0
    frames = samples[: count * size].reshape(count, size)
    level = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    if level.max() <= 0:
        return 0
    last = int(np.flatnonzero(level > level.max() * 10 ** (-SURELY_SPEECH_DB / 20))[-1])
    for frame in np.flatnonzero(level > level.max() * 10 ** (-BELOW_PEAK_DB / 20)):
        if last < frame <= last + REACH_MS // FRAME_MS:
            last = int(frame)
    return (last + 1) * size


def first_audible_sample(samples: NDArray[np.int16]) -> int | None:
    """Return the first sample that can be heard, or None."""
    heard = np.flatnonzero(np.abs(samples.astype(np.int32)) >= AUDIBLE_PEAK)
    return int(heard[0]) if len(heard) else None
