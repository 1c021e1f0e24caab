"""audio/echo.py: the loudspeaker's own sound is known, other speech is not taken for it."""

import numpy as np
import pytest

from audio.echo import likeness
from audio.pcm import Samples, to_float
from audio.resample import resample
from audio.wavfile import read_wav
from models.espeak import EspeakLibrary, EspeakSynthesizer
from server.hearing.echo_guard import ECHO_LIKENESS
from tests.audio.sounds import silence, white_noise
from tests.server.conftest import SPEECH_DIR

RATE_HZ = 16_000
PIECE = RATE_HZ // 2


@pytest.fixture(scope="module")
def played() -> Samples:
    """Half a second of silence and 3 s of the voice, at 16 kHz."""
    voice = EspeakSynthesizer(EspeakLibrary())
    speech = voice.synthesise("The last boat comes back at a quarter past five, except on Sundays.")
    sound = resample(to_float(speech.samples), voice.rate_hz, RATE_HZ)
    return np.concatenate([silence(0.5), sound[: 3 * RATE_HZ]])


def pieces(sound: Samples) -> list[Samples]:
    return [sound[at : at + PIECE] for at in range(0, len(sound) - PIECE, PIECE // 2)]


def voiced(sound: Samples) -> list[Samples]:
    return [piece for piece in pieces(sound) if np.abs(piece).max() > np.abs(sound).max() / 4]


@pytest.mark.parametrize("gain", [0.02, 0.1, 1.0])
def test_an_echo_is_like_what_was_played_at_any_level(played: Samples, gain: float) -> None:
    """Quieter by 0 to 34 dB, and a little late."""
    late = np.concatenate([silence(0.137), played])[: len(played)] * np.float32(gain)
    assert min(likeness(piece, RATE_HZ, played, RATE_HZ) for piece in voiced(late)) > 0.8


def test_an_echo_is_known_at_another_rate(played: Samples) -> None:
    """The voice speaks at 22,050 Hz, the microphone hears at 16,000."""
    voice = resample(played, RATE_HZ, 22_050)
    assert min(likeness(piece, RATE_HZ, voice, 22_050) for piece in voiced(played)) > 0.8


def test_people_are_not_taken_for_the_echo(played: Samples) -> None:
    """Recorded questions, laid against the voice."""
    for number in (1, 2, 3, 4):
        question = read_wav(SPEECH_DIR / f"question-{number}.wav").samples
        found = [likeness(piece, RATE_HZ, played, RATE_HZ) for piece in voiced(question)]
        assert np.median(found) < ECHO_LIKENESS - 0.1
        assert np.mean(np.array(found) < ECHO_LIKENESS) > 0.9


def test_silence_and_short_pieces_are_like_nothing(played: Samples) -> None:
    """And nothing is like silence."""
    assert likeness(silence(0.5), RATE_HZ, played, RATE_HZ) == 0.0
    assert likeness(played[:100], RATE_HZ, played, RATE_HZ) == 0.0
    assert likeness(played[PIECE : 2 * PIECE], RATE_HZ, silence(3), RATE_HZ) == 0.0
    assert likeness(white_noise(0.5), RATE_HZ, played, RATE_HZ) < 0.5
