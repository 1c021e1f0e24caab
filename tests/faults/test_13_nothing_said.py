"""Row 13: silence only, noise only.

Seen to fail: with the voice-activity model's thresholds at 0.002 noise was speech, and got
words.
"""

import numpy as np
import pytest

from audio.pcm import Samples
from tests.server.conftest import MakeStand

RATE_HZ = 16_000
SECONDS = 20


def white(level: float) -> Samples:
    noise = np.random.default_rng(1).standard_normal(SECONDS * RATE_HZ, np.float32)
    return noise * np.float32(level)


def rumble() -> Samples:
    """Brown noise, as of a road."""
    walked = np.cumsum(np.random.default_rng(2).normal(0, 1, SECONDS * RATE_HZ))
    walked -= np.convolve(walked, np.ones(800) / 800, "same")
    return np.asarray(0.3 * walked / np.abs(walked).max(), np.float32)


def hum() -> Samples:
    """Mains, with its overtones."""
    times = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    tones = [np.sin(2 * np.pi * 50 * number * times) / number for number in (1, 2, 3, 5)]
    return np.asarray(0.1 * np.sum(tones, axis=0), np.float32)


SOUNDS = {
    "silence": np.zeros(SECONDS * RATE_HZ, np.float32),
    "dither": white(1 / 32768),
    "quiet noise": white(0.005),
    "noise": white(0.05),
    "loud noise": white(0.25),
    "rumble": rumble(),
    "hum": hum(),
}


@pytest.mark.parametrize("sound", SOUNDS)
async def test_nothing_said_is_not_answered(make_stand: MakeStand, sound: str) -> None:
    """No turn, no invented text, though this recogniser hears words in all; it is not called."""
    stand = make_stand()
    stand.say(SOUNDS[sound])
    await stand.end()
    assert stand.wire.types() == ["session.created"]
    assert stand.recognizer.heard == []
