"""Sounds that the audio tests listen to: made here, or recordings that may be absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.pcm import Samples, to_mono
from audio.resample import resample

RATE_HZ = 16_000
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "speech"


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), dtype=np.float32)


def white_noise(seconds: float, level: float = 0.1) -> Samples:
    noise = np.random.default_rng(7).standard_normal(int(seconds * RATE_HZ)) * level
    return np.clip(noise, -1.0, 1.0).astype(np.float32)


def tone(
    frequency_hz: float, seconds: float, rate_hz: int = RATE_HZ, level: float = 0.5
) -> Samples:
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)


def clicks(seconds: float, every_ms: int) -> Samples:
    clicking = silence(seconds)
    clicking[:: every_ms * RATE_HZ // 1000] = 1.0
    return clicking


def noise_bursts(seconds: float, burst_ms: int) -> Samples:
    noise = white_noise(seconds, level=0.3)
    position_ms = np.arange(len(noise)) * 1000 // RATE_HZ
    return np.where(position_ms % 1500 < burst_ms, noise, np.float32(0.0)).astype(np.float32)


@cache
def recording(name: str) -> Samples:
    """A recording of people at 16 kHz; skips the test where the folder is absent."""
    path = RECORDINGS / name
    if not path.is_file():
        pytest.skip(f"the recordings are not on this machine: no {path}")
    samples, rate_hz = soundfile.read(path, dtype="float32")
    return resample(to_mono(samples), rate_hz, RATE_HZ)


def order_names() -> list[str]:
    """Every third of the 59, to be quick."""
    return [f"orders/{path.name}" for path in sorted((RECORDINGS / "orders").glob("*.flac"))[::3]]
