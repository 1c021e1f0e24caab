"""Reads the question files of benchmarks/questions; it neither speaks nor scores them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

QUESTIONS_DIR = Path(__file__).resolve().parent / "questions"
SAMPLE_QUESTIONS = QUESTIONS_DIR / "samples.jsonl"
UNANSWERABLE_QUESTIONS = QUESTIONS_DIR / "unanswerable.jsonl"


class QuestionFileError(ValueError):
    """A question file does not say what it must; the message names the file and the line."""


class QuestionKind(StrEnum):
    """`near` is plausible for a visitor but unanswered by the corpus; `far` is off its topic."""

    ANSWERABLE = "answerable"
    NEAR = "near"
    FAR = "far"


@dataclass(frozen=True, slots=True)
class Question:
    """`document` (a file name) and `heading` name the one passage that answers.

    Each of `answer` stands in that passage, upper and lower case aside. All three are empty where
    the corpus has no answer. `id` is unique within its file.
    """

    id: int
    text: str
    kind: QuestionKind = QuestionKind.ANSWERABLE
    document: str = ""
    heading: str = ""
    answer: tuple[str, ...] = ()


def read_questions(path: Path) -> list[Question]:
    """Raises QuestionFileError at the first line that is no question, OSError without the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_read_line(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _read_line(line: str, where: str) -> Question:
    try:
        fields = json.loads(line)
        kind = QuestionKind(fields.get("kind", QuestionKind.ANSWERABLE))
        if kind is not QuestionKind.ANSWERABLE:
            return Question(int(fields["id"]), str(fields["q"]), kind)
        return Question(
            int(fields["id"]),
            str(fields["q"]),
            kind,
            str(fields["document"]),
            str(fields["heading"]),
            tuple(str(part) for part in fields["answer"]),
        )
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise QuestionFileError(
            f"{where} is not a question ({type(error).__name__}). A line is one JSON object with "
            '"id", "q" and either "document", "heading" and "answer" or "kind" near or far.'
        ) from error
