"""Speaks question files into a cache of WAVs, in several voices; it recognises nothing.

`python -m benchmarks.speak [--questions FILE.jsonl] [--voices flite:slt,espeak:en-us] [--out DIR]`
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from audio.pcm import Samples
from audio.wavfile import WavError, write_wav
from benchmarks.question_file import SAMPLE_QUESTIONS, Question, QuestionFileError, read_questions
from benchmarks.voices import RATE_HZ, SpeakError, Voice, find_program, parse_voices, speak

SILENCE_BEFORE_MS = 300
SILENCE_AFTER_MS = 800
"""Longer than the endpoint wait of 500 ms, so that a file ends its own utterance."""
RECIPE = "1"
"""Part of every file's name: raise it when the same text and voice shall sound different."""
PROCESSES = 2
DEFAULT_VOICES = "flite:slt,flite:rms,espeak:en-us"
DEFAULT_OUT = Path("benchmarks/out/speech")


@dataclass(frozen=True, slots=True)
class SpokenQuestion:
    """`path` is a WAV: 16 kHz, mono, PCM16, exact zeros for 0.3 s before and 0.8 s after."""

    question: Question
    voice: Voice
    path: Path


def spoken_questions(
    questions: Sequence[Question],
    voices: Sequence[Voice],
    out: Path,
    search_path: str | None = None,
) -> list[SpokenQuestion]:
    """Every question in every voice, voice by voice; what `out` holds already is not spoken again.

    `search_path` replaces PATH in the look for the programs. Raises SpeakError when one is missing
    or fails; the files finished until then stay.
    """
    wanted = [
        SpokenQuestion(question, voice, out / wav_name(question.text, voice))
        for voice, question in product(voices, questions)
    ]
    missing = list({spoken.path: spoken for spoken in wanted if not spoken.path.exists()}.values())
    programs = {spoken.voice.program for spoken in missing}
    executables = {program: find_program(program, search_path) for program in programs}
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(lambda spoken: _record(executables[spoken.voice.program], spoken), missing))
    return wanted


def wav_name(text: str, voice: Voice) -> str:
    """Changes with the text, the voice and the recipe, and with nothing else."""
    digest = hashlib.sha256(f"{RECIPE}\n{voice}\n{text}".encode()).hexdigest()
    return f"{voice.program}-{voice.name}-{digest[:16]}.wav"


def _record(executable: str, spoken: SpokenQuestion) -> None:
    speech = speak(executable, spoken.voice, spoken.question.text)
    write_wav(spoken.path, with_silence(speech), RATE_HZ)


def with_silence(speech: Samples) -> Samples:
    """Digital silence of SILENCE_BEFORE_MS and SILENCE_AFTER_MS round 16 kHz speech."""
    before, after = (RATE_HZ * ms // 1000 for ms in (SILENCE_BEFORE_MS, SILENCE_AFTER_MS))
    return np.pad(speech, (before, after))


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0, or 1 after a message on standard error."""
    options = _parser().parse_args(arguments)
    try:
        questions = read_questions(options.questions)
        spoken = spoken_questions(questions, parse_voices(options.voices), options.out)
    except (SpeakError, QuestionFileError, WavError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    size_bytes = sum(one.path.stat().st_size for one in spoken)
    print(f"{len(spoken)} spoken questions in {options.out}, {size_bytes / 1e6:.1f} MB")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speak", description=__doc__)
    parser.add_argument("--questions", type=Path, default=SAMPLE_QUESTIONS, metavar="FILE.jsonl")
    parser.add_argument("--voices", default=DEFAULT_VOICES, help=f"default {DEFAULT_VOICES}")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
