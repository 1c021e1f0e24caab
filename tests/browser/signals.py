"""Signals that can be recognised again after a browser had them. No browser here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Match:
    """How one signal is found in another."""

    lag_samples: int
    """Where the reference begins in the recording."""
    correlation: float
    """Normalised over the overlap, -1 to 1."""
    overlap_samples: int


def chirped_words(rate_hz: int, seconds: float, count: int = 6) -> Samples:
    """Speech-shaped: chirps of 0.35 peak with short pauses, and 1 s of exact zeros at both ends."""
    samples = np.zeros(int(rate_hz * seconds))
    generator = np.random.default_rng(7)
    length = int(0.8 * len(samples) / count)
    time_s = np.arange(length) / rate_hz
    for word in range(count):
        start = word * len(samples) // count
        low, high = generator.uniform(150, 600), generator.uniform(900, 3200)
        phase = 2 * np.pi * (low * time_s + (high - low) * time_s**2 / (2 * time_s[-1]))
        samples[start : start + length] = 0.35 * np.sin(phase) * np.hanning(length)
    return np.concatenate([np.zeros(rate_hz), samples, np.zeros(rate_hz)])


def sweep(rate_hz: int, seconds: float, low_hz: float = 300, high_hz: float = 3000) -> Samples:
    """A linear sweep of constant level 0.4: any gap in it shows, and it is like itself nowhere."""
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    phase = 2 * np.pi * (low_hz * time_s + (high_hz - low_hz) * time_s**2 / (2 * seconds))
    samples = 0.4 * np.sin(phase)
    ramp = np.linspace(0, 1, rate_hz // 100)
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    return samples


def write_microphone_wav(path: Path, samples: Samples, rate_hz: int) -> Path:
    """16-bit PCM, the only kind that Chromium's fake microphone plays faithfully."""
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")
    return path


def from_pcm16(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32768


def to_rate(samples: Samples, source_hz: int, target_hz: int) -> Samples:
    return np.asarray(soxr.resample(samples, source_hz, target_hz, quality="VHQ"), np.float64)


def find(reference: Samples, recording: Samples) -> Match:
    """The reference's best place in the recording, by cross-correlation of both at one rate.

    The place is sought to a 20th of a sample: a recording may begin between two samples, and half
    a sample at 16 kHz takes the correlation of a 3 kHz tone down to 0.83.
    """
    size = 1 << (len(reference) + len(recording)).bit_length()
    spectrum = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(reference, size))
    lag = int(np.argmax(np.abs(np.fft.irfft(spectrum, size))))
    product = _peak_near(lag, spectrum, size)
    lag = lag - size if lag >= len(recording) else lag
    in_recording, in_reference = max(0, lag), max(0, -lag)
    overlap = min(len(recording) - in_recording, len(reference) - in_reference)
    heard = recording[in_recording : in_recording + overlap]
    meant = reference[in_reference : in_reference + overlap]
    scale = float(np.linalg.norm(heard) * np.linalg.norm(meant)) + 1e-12
    return Match(lag, product / scale, overlap)


def _peak_near(lag: int, spectrum: NDArray[np.complex128], size: int) -> float:
    """The largest value of the correlation within a sample of the lag, with its sign."""
    turns = np.arange(len(spectrum)) / size
    shifts = lag + np.linspace(-1, 1, 41)
    values = [2 * np.sum(spectrum * np.exp(2j * np.pi * turns * at)).real / size for at in shifts]
    return float(max(values, key=abs))


def audible_spans_ms(samples: Samples, rate_hz: int, floor: float = 0.02) -> list[tuple[int, int]]:
    """Spans whose RMS over 5 ms windows is above the floor, in milliseconds."""
    window = rate_hz // 200
    count = len(samples) // window
    level = np.sqrt(np.mean(samples[: count * window].reshape(count, window) ** 2, axis=1))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], level > floor, [0]]).astype(int)))
    return [(5 * int(start), 5 * int(end)) for start, end in edges.reshape(-1, 2)]
