"""Whether a piece of microphone sound is the loudspeaker's own: by its shape in time and pitch.

Pure signal work; it keeps no sound and removes no echo from any.

What a loudspeaker and a room do to speech changes the level of each band, hardly how that level
moves. So both sounds become levels of bands over time, relative to the moment's mean (all speech
grows loud and soft alike) and to the band's, and the piece is laid against every moment of what was
played. A dry echo is nearly 1; a room's reverberation lowers it towards what other speech reaches
by chance. `python -m benchmarks.silence` counts the echoes that pass for speech.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples

PIECE_MS: Final = 500
"""Of microphone sound judged at once: two or three syllables."""
_HOP_MS: Final = 20
_WINDOW_MS: Final = 32
_LOWEST_HZ: Final = 200
_HIGHEST_HZ: Final = 3_600
_BANDS: Final = 14
_FLOOR: Final = 1e-3
"""Of the loudest band's power: what lies 30 dB below it is as good as silent."""

Levels = NDArray[np.float32]


def likeness(piece: Samples, rate_hz: int, played: Samples, played_rate_hz: int) -> float:
    """Return how like the piece's last PIECE_MS are to the likest moment of what was played, -1..1.

    0.0 when either is too short or silent.
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
    """Log power of each band beside the mean of all, a row every _HOP_MS; no rows for silence."""
    size, hop = rate_hz * _WINDOW_MS // 1000, rate_hz * _HOP_MS // 1000
    if len(sound) < size or not np.any(sound):
        return np.zeros((0, _BANDS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(size).astype(np.float32), axis=1)) ** 2
    bands = np.add.reduceat(spectrum, _edges(size, rate_hz), axis=1)[:, :_BANDS]
    levels = np.log(bands + _FLOOR * bands.max())
    shape: Levels = (levels - levels.mean(axis=1, keepdims=True)).astype(np.float32)
    return shape


def _edges(size: int, rate_hz: int) -> NDArray[np.int64]:
    edges_hz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    edges: NDArray[np.int64] = np.unique(np.rint(edges_hz * size / rate_hz).astype(np.int64))
    return edges
