"""Sample-rate conversion to mono, streamed or in one go. Decodes nothing and guesses no rates.

Quality is soxr's MQ: aliases at -122 dB, flat to 0.85 of the band, linear phase. soxr works in
blocks, so a stream runs behind its input: 48 to 16 kHz by 22 ms on average and 38 at most, 8 to
16 kHz by 62 and 115 (HQ is no better, and twice that from 96 kHz; LQ halves it but loses 8 dB at
0.85 of the band). Sending 16 kHz costs nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr

from audio.pcm import AnySamples, Samples, to_mono
from audio.rate import check_rate

_QUALITY: Final = "MQ"
_MAXIMUM_CHANNELS: Final = 2


class ChannelError(ValueError):
    """A channel count, or a shape, that is neither mono nor stereo."""


class Resampler:
    """One stream's converter: mono or stereo in, mono float32 out. For one thread at a time.

    Whatever the chunk sizes, the outputs of process() and the final flush() join to what
    resample() gives for the whole.
    """

    def __init__(self, source_hz: int, target_hz: int, channels: int = 1) -> None:
        """Raises RateError or ChannelError, each listing what is accepted."""
        self._source_hz = check_rate(source_hz)
        self._target_hz = check_rate(target_hz)
        if channels not in range(1, _MAXIMUM_CHANNELS + 1):
            raise ChannelError(f"{channels!r} channels are not accepted. Accepted: 1 or 2.")
        self._channels = channels
        self._stream = soxr.ResampleStream(source_hz, target_hz, 1, "float32", quality=_QUALITY)

    def process(self, samples: Samples) -> Samples:
        """Convert a chunk, at equal rates the same array; may give nothing while a block fills.

        Takes (n,) mono, or for stereo (n, 2) or interleaved (2n,). Raises ChannelError on others.
        """
        is_mono = self._channels == samples.ndim == 1 and samples.dtype == np.float32
        mono = samples if is_mono else self._downmix(samples)
        if self._source_hz == self._target_hz:
            return mono
        return self._convert(mono, is_last=False)

    def flush(self) -> Samples:
        """The rest of the stream. The next process() starts a new one."""
        rest = np.zeros(0, dtype=np.float32)
        if self._source_hz == self._target_hz:
            return rest
        rest = self._convert(rest, is_last=True)
        self._stream.clear()
        return rest

    def _convert(self, mono: Samples, *, is_last: bool) -> Samples:
        converted: Samples = self._stream.resample_chunk(mono, last=is_last)
        return converted

    def _downmix(self, samples: AnySamples) -> Samples:
        channels = self._channels
        if samples.ndim == 1 and samples.size % channels == 0:
            samples = samples.reshape(-1, channels)
        if samples.ndim != 2 or samples.shape[1] != channels:
            raise ChannelError(
                f"A chunk of shape {samples.shape} does not hold whole {channels}-channel samples. "
                f"Accepted: (n, {channels}), or one interleaved row."
            )
        return np.ascontiguousarray(to_mono(samples))


def resample(samples: Samples, source_hz: int, target_hz: int) -> Samples:
    """A whole mono signal, (n,), at the other rate. Raises RateError or ChannelError."""
    resampler = Resampler(source_hz, target_hz)
    return np.concatenate([resampler.process(samples), resampler.flush()])
