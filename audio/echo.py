"""Whether a piece of microphone sound is the loudspeaker's own: by its shape in time and pitch.

Pure signal work; it keeps no sound and removes no echo from any.

What a loudspeaker and a room do to speech changes the level of each band, hardly how that level
moves. So both sounds become levels of bands over time, each band less its mean, and the piece is
laid against every moment of what was played.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples

PIECE_MS: Final = 500
"""Of microphone sound judged at once: two or three syllables."""
_HOP_MS: Final = 10
_WINDOW_MS: Final = 32
_LOWEST_HZ: Final = 200
_HIGHEST_HZ: Final = 3_600
_BANDS: Final = 14
_FLOOR: Final = 1e-4
"""Of the loudest band's power: what lies 40 dB below it is as good as silent."""

Levels = NDArray[np.float32]


def likeness(piece: Samples, rate_hz: int, played: Samples, played_rate_hz: int) -> float:
    """Return how like the piece's last PIECE_MS are to the likest moment of what was played, -1..1.

    0.0 when either is too short or silent. 4 s of played sound cost about 4 ms.
    """
    heard = _levels(piece[-rate_hz * PIECE_MS // 1000 :], rate_hz)
    sounded = _levels(played, played_rate_hz)
    if len(heard) < PIECE_MS // _HOP_MS // 2 or len(sounded) < len(heard):
        return 0.0
    moments = np.lib.stride_tricks.sliding_window_view(sounded, len(heard), axis=0)
    centred = moments - moments.mean(axis=2, keepdims=True)
    target = (heard - heard.mean(axis=0)).T
    products = np.einsum("mbt,bt->m", centred, target)
    sizes = np.sqrt(np.einsum("mbt,mbt->m", centred, centred) * np.sum(target**2))
    return float(np.max(products / np.maximum(sizes, 1e-6)))


def _levels(sound: Samples, rate_hz: int) -> Levels:
    """Log power of each band, a row every _HOP_MS; no rows for silence."""
    size, hop = rate_hz * _WINDOW_MS // 1000, rate_hz * _HOP_MS // 1000
    if len(sound) < size or not np.any(sound):
        return np.zeros((0, _BANDS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(size).astype(np.float32), axis=1)) ** 2
    bands = np.add.reduceat(spectrum, _edges(size, rate_hz), axis=1)[:, :_BANDS]
    levels: Levels = np.log(bands + _FLOOR * bands.max()).astype(np.float32)
    return levels


def _edges(size: int, rate_hz: int) -> NDArray[np.int64]:
    edges_hz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    edges: NDArray[np.int64] = np.unique(np.rint(edges_hz * size / rate_hz).astype(np.int64))
    return edges
