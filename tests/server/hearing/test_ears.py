"""What is heard of the same speech at two rates."""

from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np

from audio.endpoint import UtteranceEnded
from audio.pcm import Samples, encode_pcm16
from audio.resample import resample
from audio.vad import VadModel
from audio.wavfile import read_wav
from server.hearing.ears import RATE_HZ, Ears
from server.session_settings import ear_settings
from server.settings import Settings

SPEECH_DIR = Path(__file__).parents[2] / "speech"
STOCK_RATE_HZ = 24_000
FRAME_MS = 20
CYCLE_MS = 160
"""Frames and windows of voice activity begin together so often."""
PLACES = 16
LATER_MS = 6.0
"""The resampler's delay is 2.75 ms; every fifth window ends with a frame and so waits for one more,
4 ms on average.
"""


def test_at_24_khz_speech_is_heard_to_end_hardly_later(vad_model: VadModel) -> None:
    """On average over all places of speech among frames and windows: one place may cost 20 ms."""
    later = [
        _ended_ms(vad_model, resample(speech, RATE_HZ, STOCK_RATE_HZ), STOCK_RATE_HZ)
        - _ended_ms(vad_model, speech, RATE_HZ)
        for recording in _recordings()
        for speech in (np.concatenate([_silence(lead), recording]) for lead in _leads_ms())
    ]
    assert len(later) == 4 * PLACES
    assert 0 <= mean(later) <= LATER_MS


def _recordings() -> list[Samples]:
    wavs = [read_wav(path) for path in sorted(SPEECH_DIR.glob("question-*.wav"))]
    return [resample(wav.samples, wav.rate_hz, RATE_HZ) for wav in wavs]


def _leads_ms() -> list[int]:
    return [place * CYCLE_MS // PLACES for place in range(PLACES)]


def _silence(duration_ms: int) -> Samples:
    return np.zeros(duration_ms * RATE_HZ // 1000, np.float32)


def _ended_ms(model: VadModel, speech: Samples, rate_hz: int) -> int:
    """Return after how much sound, sent in frames, the last utterance was over."""
    ears = Ears(model, replace(ear_settings(Settings()), input_rate_hz=rate_hz))
    ears.wait(Settings().endpoint_shortest_ms)
    pcm = encode_pcm16(np.concatenate([speech, np.zeros(rate_hz, np.float32)]))
    size = 2 * rate_hz * FRAME_MS // 1000
    ended_ms = 0
    for number, start in enumerate(range(0, len(pcm) - size + 1, size), start=1):
        events = ears.hear(pcm[start : start + size], number * FRAME_MS / 1000)
        if any(isinstance(event, UtteranceEnded) for event in events):
            ended_ms = number * FRAME_MS
    return ended_ms
