"""Speaks one text with flite or espeak-ng, Debian's programs; keeps nothing and plays nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from audio.pcm import Samples
from audio.resample import resample
from audio.wavfile import WavError, read_wav

RATE_HZ = 16_000
TIMEOUT_S = 60.0
FLITE_VOICES = ("slt", "rms", "awb", "kal16")
"""flite speaks with its default voice, without a word, when it does not know the one asked for."""


class SpeakError(RuntimeError):
    """A voice cannot speak here; the message says what to do."""


class Program(StrEnum):
    """A value is the word before the colon of a voice."""

    FLITE = "flite"
    ESPEAK = "espeak"

    @property
    def executable(self) -> str:
        """Also the name of the Debian package."""
        return "espeak-ng" if self is Program.ESPEAK else "flite"


@dataclass(frozen=True, slots=True)
class Voice:
    """`name` is what the program calls it: slt, rms, awb or kal16; en-us, en-gb-scotland, ..."""

    program: Program
    name: str

    def __str__(self) -> str:
        return f"{self.program}:{self.name}"


def parse_voices(listed: str) -> list[Voice]:
    """Take "flite:slt,espeak:en-us". Raises SpeakError for what no program here could know."""
    return [_parse_voice(voice.strip()) for voice in listed.split(",")]


def _parse_voice(written: str) -> Voice:
    program, _, name = written.partition(":")
    is_flite = program == Program.FLITE and name in FLITE_VOICES
    is_espeak = program == Program.ESPEAK and name.replace("-", "").isalnum()
    if not (is_flite or is_espeak):
        known = ", ".join(f"flite:{voice}" for voice in FLITE_VOICES)
        raise SpeakError(f"{written!r} is no voice. Known: {known}, and espeak:en-us and its like.")
    return Voice(Program(program), name)


def find_program(program: Program, search_path: str | None = None) -> str:
    """The program's path, looked for on `search_path` or else PATH; raises SpeakError."""
    found = shutil.which(program.executable, path=search_path)
    if found is None:
        package = program.executable
        raise SpeakError(f"{package} is not installed. Install it: sudo apt-get install {package}")
    return found


def speak(executable: str, voice: Voice, text: str) -> Samples:
    """The text in this voice, mono at 16 kHz, as the program makes it but for the rate.

    Raises SpeakError when the program fails, knows no such voice or makes no sound.
    """
    with tempfile.TemporaryDirectory(prefix="parley-speak-") as folder:
        made = Path(folder) / "speech.wav"
        written = Path(folder) / "text.txt"
        written.write_text(text + "\n", encoding="utf-8")
        _run(_command(executable, voice, written, made), voice)
        return _read_at_16_khz(made, voice)


def _command(executable: str, voice: Voice, text: Path, made: Path) -> list[str]:
    if voice.program is Program.ESPEAK:
        return [executable, "-v", voice.name, "-f", str(text), "-w", str(made)]
    return [executable, "-voice", voice.name, "-f", str(text), "-o", str(made)]


def _run(command: list[str], voice: Voice) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise SpeakError(f"{voice} did not finish one text in {TIMEOUT_S:.0f} s.") from None
    complaint = ended.stderr.decode("utf-8", "replace").strip()
    if ended.returncode:
        raise SpeakError(f"{voice} failed with code {ended.returncode}: {complaint[:200]}")


def _read_at_16_khz(path: Path, voice: Voice) -> Samples:
    try:
        speech = read_wav(path)
    except WavError as error:
        raise SpeakError(f"{voice} made no good WAV: {error.cause}.") from None
    return resample(speech.samples, speech.rate_hz, RATE_HZ)
