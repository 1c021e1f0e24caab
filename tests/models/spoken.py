"""Speech for the recogniser tests: espeak-free, spoken by the flite program where it is
installed.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import Samples
from audio.resample import resample
from audio.wavfile import read_wav


def spoken(text: str, folder: Path, voice: str = "rms") -> Samples:
    """The text at 16 kHz with 0.3 s of silence round it; skips the test without flite."""
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed: apt-get install flite")
    path = folder / "spoken.wav"
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    audio = read_wav(path)
    return np.pad(resample(audio.samples, audio.rate_hz, 16_000), 4800)
