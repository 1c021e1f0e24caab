"""G.711 bytes to and from 16-bit samples: mu-law and A-law, by tables. Knows no rates or streams.

Decoding follows ITU-T G.711; encoding picks the nearest value that decoding gives.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_Table = NDArray[np.int16]


def _mu_law_values() -> _Table:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.int16)


def _a_law_values() -> _Table:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + np.where(segment > 0, 0x108, 8)
    magnitude <<= np.maximum(segment - 1, 0)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _codes_of(values: _Table) -> NDArray[np.uint8]:
    """Return the code of the nearest value for each of the 65,536 samples, from -32768 up."""
    order = np.argsort(values, kind="stable")
    ascending = values[order].astype(np.int32)
    between = (ascending[:-1] + ascending[1:]) / 2
    return order[np.searchsorted(between, np.arange(-32768, 32768))].astype(np.uint8)


_MU_LAW: Final = _mu_law_values()
_A_LAW: Final = _a_law_values()
_MU_LAW_CODES: Final = _codes_of(_MU_LAW)
_A_LAW_CODES: Final = _codes_of(_A_LAW)


def decode_mu_law(coded: bytes) -> NDArray[np.int16]:
    """One sample a byte."""
    return _MU_LAW[np.frombuffer(coded, np.uint8)]


def decode_a_law(coded: bytes) -> NDArray[np.int16]:
    """One sample a byte."""
    return _A_LAW[np.frombuffer(coded, np.uint8)]


def encode_mu_law(samples: NDArray[np.int16]) -> bytes:
    """One byte a sample; what decoding gave is encoded without loss."""
    return _MU_LAW_CODES[samples.astype(np.int32) + 32768].tobytes()


def encode_a_law(samples: NDArray[np.int16]) -> bytes:
    """One byte a sample; what decoding gave is encoded without loss."""
    return _A_LAW_CODES[samples.astype(np.int32) + 32768].tobytes()
