"""The stand-in voice is taken by the real Piper code and has a medium voice's size and pace."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.standin_piper import RATE_HZ, make_standin_voice
from models.espeak import EspeakLibrary
from models.piper import PiperSynthesizer


@pytest.mark.slow
def test_the_stand_in_speaks_at_a_natural_pace_and_follows_the_speed(tmp_path: Path) -> None:
    path = make_standin_voice(tmp_path / "en_US-standin-medium.onnx")
    assert 58e6 < path.stat().st_size < 66e6
    voice = PiperSynthesizer(path, EspeakLibrary())
    usual = voice.synthesise("The museum is open.")
    assert usual.rate_hz == RATE_HZ
    assert np.abs(usual.samples.astype(int)).max() > 1000
    assert 250 < usual.duration_ms / 4 < 600
    fast = voice.synthesise("The museum is open.", speed=2.0)
    assert usual.duration_ms / fast.duration_ms == pytest.approx(2, rel=0.1)
