"""Samples in and out of PCM16 bytes, and their level. Knows nothing of rates, files or time."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Mono audio in [-1, 1]; one number per sample."""

AnySamples: TypeAlias = NDArray[np.int16] | NDArray[np.float32] | NDArray[np.float64]
"""Audio as engines hand it over: int16 at full scale 32768, or floats in [-1, 1]."""

SILENCE_DBFS: Final = -120.0
"""What digital silence measures, so that a level is always a finite number."""

_FULL_SCALE: Final = 32768.0


class FrameError(ValueError):
    """A frame of bytes is not whole PCM16 samples."""


def decode_pcm16(frame: bytes) -> Samples:
    """Little-endian signed 16-bit bytes to samples; an empty frame gives no samples.

    Raises FrameError on an odd number of bytes.
    """
    if len(frame) % 2:
        raise FrameError(
            f"A frame of {len(frame)} bytes is not whole 16-bit samples: send an even number."
        )
    return to_float(np.frombuffer(frame, dtype="<i2").astype(np.int16, copy=False))


def encode_pcm16(samples: Samples) -> bytes:
    """Samples to little-endian bytes; what is beyond full scale is clipped, NaN becomes zero."""
    return to_int16(samples).astype("<i2", copy=False).tobytes()


def to_float(samples: AnySamples) -> Samples:
    """Same shape, float32; int16 is divided by 32768, so decoding and encoding is exact."""
    if samples.dtype == np.int16:
        return np.multiply(samples, np.float32(1 / _FULL_SCALE), dtype=np.float32)
    return samples.astype(np.float32, copy=False)


def to_int16(samples: AnySamples) -> NDArray[np.int16]:
    """Same shape, rounded to the nearest step and clipped; NaN becomes zero."""
    if samples.dtype == np.int16:
        return samples.astype(np.int16, copy=False)
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    unit = np.clip(finite, -1.0, 1.0).astype(np.float32)
    steps: Samples = np.rint(unit * np.float32(_FULL_SCALE))
    return np.clip(steps, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)


def to_mono(samples: AnySamples) -> Samples:
    """The mean of the channels. Takes (n,) or (n, channels)."""
    floats = to_float(samples)
    if floats.ndim == 1:
        return floats
    mono: Samples = floats.mean(axis=1, dtype=np.float32)
    return mono


def level_dbfs(samples: Samples) -> float:
    """RMS level, 0 for a full-scale square wave and SILENCE_DBFS for silence or no samples."""
    if not samples.size:
        return SILENCE_DBFS
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power <= 0.0:
        return SILENCE_DBFS
    return max(10.0 * float(np.log10(power)), SILENCE_DBFS)
