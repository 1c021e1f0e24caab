"""Raw audio of any width and number of channels to mono PCM16. It changes no sample rate."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import numpy as np

from audio.pcm import Samples, encode_pcm16, to_mono
from audio.rate import RateError, check_rate
from server.errors import InvalidEvent

_MAXIMUM_CHANNELS: Final = 8
_WIDTHS_BYTES: Final = (1, 2, 3, 4)
_PCM16_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """How samples are written: little-endian integers, signed but for a width of one byte."""

    rate_hz: int
    width_bytes: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """One sample of every channel."""
        return self.width_bytes * self.channels


def check_format(data: Mapping[str, Any]) -> SoundFormat:
    """Return the format that an audio event names. Raises InvalidEvent saying what is accepted."""
    try:
        rate_hz = check_rate(data.get("rate", 0))
    except RateError as error:
        raise InvalidEvent(str(error), "rate") from None
    width, channels = data.get("width"), data.get("channels")
    if not _is_whole(width, _WIDTHS_BYTES):
        raise InvalidEvent("`width` may be 1, 2, 3 or 4 bytes.", "width")
    if not _is_whole(channels, range(1, _MAXIMUM_CHANNELS + 1)):
        raise InvalidEvent(f"`channels` may be 1 to {_MAXIMUM_CHANNELS}.", "channels")
    return SoundFormat(rate_hz, width, channels)


def mono_pcm16(audio: bytes, written: SoundFormat) -> bytes:
    """The mean of the channels. Raises InvalidEvent for audio that ends within a frame."""
    if len(audio) % written.frame_bytes:
        raise InvalidEvent(
            f"{len(audio)} bytes are no whole frames of {written.frame_bytes}.", code="bad_frame"
        )
    if (written.width_bytes, written.channels) == (_PCM16_BYTES, 1):
        return audio
    return encode_pcm16(to_mono(_unit(audio, written.width_bytes).reshape(-1, written.channels)))


def _unit(audio: bytes, width_bytes: int) -> Samples:
    """Samples in [-1, 1), as the two most significant bytes hold them."""
    if width_bytes == 1:
        unsigned = np.frombuffer(audio, np.uint8).astype(np.float32)
        return (unsigned - np.float32(128)) / np.float32(128)
    parts = np.frombuffer(audio, np.uint8).reshape(-1, width_bytes)
    upper = np.ascontiguousarray(parts[:, -_PCM16_BYTES:]).view("<i2").reshape(-1)
    return upper.astype(np.float32) / np.float32(32768)


def _is_whole(value: object, accepted: Container[int]) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value in accepted
