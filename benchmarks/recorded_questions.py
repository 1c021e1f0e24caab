"""The recorded questions that the latency and load benchmarks play, with their words."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.demo import SPEECH_DIR
from benchmarks.question_file import SAMPLE_QUESTIONS, read_questions
from benchmarks.script import ScriptLine
from benchmarks.server_process import ROOT
from benchmarks.speak import DEFAULT_OUT, spoken_questions
from benchmarks.voices import SpeakError, parse_voices

VOICE = "flite:slt"


def lines_of(paths: Sequence[Path]) -> list[ScriptLine]:
    """Pair recordings with the words that a .jsonl file beside them lists.

    One that is not listed gets a question of the samples, each another: its true words are unknown.
    """
    spare = [question.text for question in read_questions(SAMPLE_QUESTIONS)]
    listed = {path: text for folder in {p.parent for p in paths} for path, text in _listed(folder)}
    return [
        ScriptLine(path, listed.get(path.resolve(), spare[number % len(spare)]))
        for number, path in enumerate(paths)
    ]


def words_of(paths: Sequence[Path]) -> dict[str, str]:
    """Map the names of those recordings whose true words are listed beside them to the words."""
    listed = {path: text for folder in {p.parent for p in paths} for path, text in _listed(folder)}
    return {path.name: listed[path.resolve()] for path in paths if path.resolve() in listed}


def many_lines() -> tuple[list[ScriptLine], str]:
    """Return the committed recordings and, where flite is, the sample questions spoken by it.

    The text says which, for a person.
    """
    recorded = lines_of(sorted(SPEECH_DIR.glob("*.wav")))
    questions = read_questions(SAMPLE_QUESTIONS)
    try:
        spoken = spoken_questions(questions, parse_voices(VOICE), ROOT / DEFAULT_OUT)
    except SpeakError as error:
        return recorded, f"{len(recorded)} recorded questions only. {error}"
    lines = [*recorded, *(ScriptLine(one.path, one.question.text) for one in spoken)]
    return lines, f"{len(lines)} questions: {len(recorded)} recorded, {len(spoken)} by {VOICE}"


def _listed(folder: Path) -> list[tuple[Path, str]]:
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [((folder / row["wav"]).resolve(), row["q"]) for row in rows if "wav" in row]
