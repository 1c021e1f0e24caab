"""Cut and fade the edges of a clip, so that it starts at once and ends without a click."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from audio.pcm import to_float

Clip = TypeVar("Clip", NDArray[np.int16], NDArray[np.float32])

QUIET_PEAK: Final = 0.003
"""Samples below this count as silence: -50 dBFS, above the noise floor of a voice."""


def trim_leading_silence(samples: Clip, rate_hz: int, keep_ms: int) -> Clip:
    """A view from keep_ms before the first sample louder than QUIET_PEAK, mono (n,).

    A clip that is silent throughout is reduced to its last keep_ms.
    """
    loud = np.abs(to_float(samples)) > QUIET_PEAK
    first = int(np.argmax(loud)) if loud.any() else samples.size
    return samples[max(0, first - keep_ms * rate_hz // 1000) :]


def fade_edges(samples: Clip, rate_hz: int, fade_ms: float) -> Clip:
    """A copy whose ends rise from zero and fall to zero over fade_ms, mono (n,).

    The ramp is half a cosine; a clip shorter than two ramps gets two halves.
    """
    length = min(int(fade_ms * rate_hz / 1000), samples.size // 2)
    faded = samples.copy()
    if length:
        ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
        faded[:length] = samples[:length] * ramp
        faded[-length:] = samples[-length:] * ramp[::-1]
    return faded
