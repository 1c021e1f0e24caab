"""Records the few spoken questions that are committed under tests/speech; not for benchmarks.

`python -m benchmarks.record_test_speech` speaks them anew after a change of the sample questions.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.question_file import SAMPLE_QUESTIONS, Question, read_questions
from benchmarks.speak import spoken_questions
from benchmarks.voices import SpeakError, parse_voices

SPEECH_DIR = Path(__file__).resolve().parent.parent / "tests" / "speech"
RECORDINGS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "demo.jsonl": (
        ("demo-1.wav", "flite:slt", "what time does the last boat come back on a sunday"),
        ("demo-2.wav", "flite:rms", "what does the black ball on the flagpole mean"),
        ("demo-3.wav", "flite:awb", "how many people were saved from the wreck"),
    ),
    "questions.jsonl": (
        ("question-1.wav", "flite:slt", "how much is it to adopt a puffin"),
        ("question-2.wav", "flite:rms", "where is the accessible toilet"),
        ("question-3.wav", "flite:awb", "how long does the crossing take"),
        ("question-4.wav", "flite:slt", "can i use bleach to clean the toilet"),
    ),
}
"""Per list: the file's name, the voice and the words of a question in SAMPLE_QUESTIONS.

No espeak-ng: pocketsphinx mistakes most of its words, as benchmarks.recognition --voices shows.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0, or 1 after a message on standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record_test_speech")
    parser.add_argument("--out", type=Path, default=SPEECH_DIR, metavar="DIR")
    options = parser.parse_args(arguments)
    questions = {question.text: question for question in read_questions(SAMPLE_QUESTIONS)}
    try:
        for listing, recordings in RECORDINGS.items():
            lines = [
                _record(options.out / name, voice, questions[text])
                for name, voice, text in recordings
            ]
            _write_lines(options.out / listing, lines)
    except SpeakError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _record(path: Path, voice: str, question: Question) -> str:
    """Write one WAV and return its line of the listing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        (spoken,) = spoken_questions([question], parse_voices(voice), Path(folder))
        os.replace(spoken.path, path)
    fields = {
        "wav": path.name,
        "q": question.text,
        "document": question.document,
        "heading": question.heading,
        "answer": list(question.answer),
    }
    return json.dumps(fields, ensure_ascii=False)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(main())
