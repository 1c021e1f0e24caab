"""server/wyoming/sound.py: every accepted width and number of channels is the same sound."""

from typing import Any

import numpy as np
import pytest

from audio.pcm import decode_pcm16
from server.errors import InvalidEvent
from server.wyoming.sound import SoundFormat, check_format, mono_pcm16

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16_000)


def written(width_bytes: int, channels: int) -> bytes:
    """The tone in every channel, little-endian; a width of one byte has no sign."""
    repeated = np.repeat(TONE, channels)
    if width_bytes == 1:
        return bytes(np.rint(repeated * 127 + 128).astype(np.uint8).tobytes())
    steps = np.rint(repeated * 2 ** (8 * width_bytes - 1)).astype("<i4")
    return bytes(steps.view(np.uint8).reshape(-1, 4)[:, :width_bytes].tobytes())


@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_any_width_and_channels_give_the_same_sound(width_bytes: int, channels: int) -> None:
    """Within the step of the narrower of both."""
    made = mono_pcm16(written(width_bytes, channels), SoundFormat(16_000, width_bytes, channels))
    step = 1 / 127 if width_bytes == 1 else 1 / 16_000
    assert np.abs(decode_pcm16(made) - TONE).max() < step


def test_channels_are_mixed() -> None:
    """The mean of both: opposite channels are silent."""
    stereo = np.array([[1000, -1000]] * 10, "<i2").tobytes()
    assert mono_pcm16(stereo, SoundFormat(16_000, 2, 2)) == bytes(20)


def test_half_a_frame_is_refused() -> None:
    """Three bytes of 16-bit stereo."""
    with pytest.raises(InvalidEvent) as error:
        mono_pcm16(b"abc", SoundFormat(16_000, 2, 2))
    assert error.value.event_code == "bad_frame"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"rate": 4000}, "rate"),
        ({"rate": "16000"}, "rate"),
        ({"rate": None}, "rate"),
        ({"width": 5}, "width"),
        ({"width": True}, "width"),
        ({"width": [2]}, "width"),
        ({"channels": 0}, "channels"),
        ({"channels": 9}, "channels"),
        ({"channels": 1.0}, "channels"),
    ],
)
def test_a_format_that_is_not_accepted_is_refused_by_field(
    changed: dict[str, Any], field: str
) -> None:
    """The error names what is accepted."""
    with pytest.raises(InvalidEvent) as error:
        check_format({"rate": 16_000, "width": 2, "channels": 1} | changed)
    assert error.value.param == field
