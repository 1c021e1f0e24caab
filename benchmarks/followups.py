"""Follow-up questions: dialogues of two turns on the samples, and what following up costs.

python -m benchmarks.followups [--alone QUESTIONS.jsonl ...] [--json]

The 40 dialogues of benchmarks/questions/followups.jsonl were written before the rules were; those
of the half `tune` and `further` ones chose the weights in rag/follow_up.py, those of `held_out` did
not. 90 wider ones were written before the rules grew: `develop` shaped them, `unseen` was asked
once, when they stood. Beside them: each sample question asked after each other one, the same begun
with "and", the short questions that begin the dialogues after each other, and questions without an
answer asked after answered ones. --alone counts how many questions of other
files, lines of {"q"}, are taken for follow-ups although nothing was asked before. It listens to and
speaks nothing.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpora import (
    LabelledQuestion,
    ingest_samples,
    label_of,
    load_embedder,
    make_retriever,
    read_lines,
    sample_questions,
)
from benchmarks.question_file import QUESTIONS_DIR, UNANSWERABLE_QUESTIONS, read_questions
from benchmarks.results import write_result
from rag.answer import Answer, Answerer
from rag.embedding import Embedder, Vector
from rag.follow_up import Earlier, leans_on_earlier
from rag.hit import Retrieval
from rag.retrieve import Retriever
from rag.store import Store
from server.answering.conversation import EMPTY, Window, exchange_of
from server.cache.canonical import canonical_question

FOLLOW_UPS = QUESTIONS_DIR / "followups.jsonl"
FURTHER = QUESTIONS_DIR / "followups_tuning.jsonl"
"""More dialogues that the weights were chosen on; they name a heading, and no reference answer."""

WIDER = QUESTIONS_DIR / "followups_wider.jsonl"
OTHERS = 12


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A first question, and a second that leans on it."""

    half: str
    first: str
    second: LabelledQuestion


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question found, and the conversation after it."""

    retrieval: Retrieval
    answer: Answer
    window: Window

    def is_right(self, wanted: LabelledQuestion) -> bool:
        """Whether the right passage is first; a heading names one in these documents."""
        labels = [label_of(hit) for hit in self.retrieval.hits[:1]]
        return any(wanted.passage in (label, label.rpartition("#")[2]) for label in labels)

    def holds(self, wanted: LabelledQuestion) -> bool:
        """Whether a reference answer would be spoken."""
        spoken = self.answer.text.lower()
        return any(each.lower() in spoken for each in wanted.answers)


class Asker:
    """Searches and answers as the server does. Keeps the vectors of what it has embedded."""

    def __init__(self, embedder: Embedder, retriever: Retriever) -> None:
        self._embedder = embedder
        self._retriever = retriever
        self._answerer = Answerer(embedder, retriever)
        self._vectors: dict[str, Vector] = {}

    def ask(self, question: str, window: Window = EMPTY) -> Asked:
        """Ask one question after those of the window."""
        asked = canonical_question(question)
        subject = window.subject_of([asked])
        earlier = (
            None
            if subject is None
            else Earlier(subject.question, self._vector(subject.question), subject.document)
        )
        retrieval = self._retriever.search(asked, self._vector(asked), earlier=earlier)
        found = retrieval
        if subject is None and window.last_passage_id:
            again = self._retriever.look_again(found, window.last_passage_id)
            retrieval = self._answerer.going_on(found, again) if again else found
        answer = self._answerer.answer(retrieval)
        is_following = subject is not None or retrieval is not found
        exchange = exchange_of(asked, answer, window.root_of(asked, is_following=is_following))
        return Asked(retrieval, answer, Window((*window.exchanges, exchange)))

    def _vector(self, text: str) -> Vector:
        if text not in self._vectors:
            self._vectors[text] = self._embedder.embed([text])[0]
        return self._vectors[text]


def read_dialogues(path: Path) -> list[Dialogue]:
    """Those of the file."""
    return [_dialogue(line) for line in read_lines(path, ("half", "first", "q", "heading"))]


def _dialogue(line: Mapping[str, Any]) -> Dialogue:
    heading = str(line["heading"])
    passage = f"{line['document']}#{heading}" if "document" in line else heading
    answers = tuple(map(str, line.get("answer", ())))
    return Dialogue(
        str(line["half"]), str(line["first"]), LabelledQuestion(str(line["q"]), passage, answers)
    )


def measure_dialogues(asker: Asker, dialogues: Sequence[Dialogue]) -> dict[str, Any]:
    """Shares of second turns: the right passage first, with and without what was asked before."""
    seconds = [asker.ask(each.second.text, asker.ask(each.first).window) for each in dialogues]
    alone = [asker.ask(each.second.text) for each in dialogues]
    pairs = list(zip(seconds, dialogues, strict=True))
    held = [asked.holds(each.second) for asked, each in pairs if each.second.answers]
    return {
        "dialogues": len(dialogues),
        "right_passage_first": _share(asked.is_right(each.second) for asked, each in pairs),
        "answer_holds_reference": _share(held) if held else None,
        "refused": _share(asked.answer.refused for asked in seconds),
        "taken_for_follow_ups": _share(leans_on_earlier(each.second.text) for each in dialogues),
        "right_passage_first_alone": _share(
            asked.is_right(each.second) for asked, each in zip(alone, dialogues, strict=True)
        ),
        "missed": [each.second.text for asked, each in pairs if not asked.is_right(each.second)],
    }


def measure_standing_alone(asker: Asker, prefix: str = "") -> dict[str, Any]:
    """Each sample question after each other one: what it finds, against what it finds first."""
    questions = sample_questions()
    windows = [asker.ask(each.text).window for each in questions]
    lost = gained = leaning = 0
    for number, question in enumerate(questions):
        text = prefix + question.text
        leaning += leans_on_earlier(canonical_question(text))
        is_right = asker.ask(text).is_right(question)
        others = [window for place, window in enumerate(windows) if place != number]
        after = [asker.ask(text, window).is_right(question) for window in others]
        lost += sum(is_right and not found for found in after)
        gained += sum(found and not is_right for found in after)
    pairs = len(questions) * (len(questions) - 1)
    return {
        "questions": len(questions),
        "taken_for_follow_ups": leaning,
        "pairs": pairs,
        "lost": lost,
        "gained": gained,
    }


def measure_beginnings(asker: Asker, dialogues: Sequence[Dialogue]) -> dict[str, int]:
    """How often a question that begins a dialogue finds another passage first after another one.

    They are short, as people ask: "are dogs allowed". Each is asked after OTHERS evenly spread
    ones, of which some are about the same.
    """
    questions = list(dict.fromkeys(each.first for each in dialogues))
    alone = {each: asker.ask(each) for each in questions}
    first = {each: _first_label(asked) for each, asked in alone.items()}
    step = max(1, len(questions) // OTHERS)
    pairs = [
        (each, questions[(place + shift) % len(questions)])
        for place, each in enumerate(questions)
        for shift in range(1, len(questions), step)
    ]
    changed = sum(
        _first_label(asker.ask(each, alone[other].window)) != first[each] for each, other in pairs
    )
    return {"questions": len(questions), "pairs": len(pairs), "changed": changed}


def _first_label(asked: Asked) -> str:
    return label_of(asked.retrieval.hits[0]) if asked.retrieval.hits else ""


def measure_unanswerable(asker: Asker) -> dict[str, Any]:
    """Share refused of the questions without an answer, alone and after each sample question."""
    questions = [each.text for each in read_questions(UNANSWERABLE_QUESTIONS)]
    windows = [asker.ask(each.text).window for each in sample_questions()]
    alone = [asker.ask(each).answer.refused for each in questions]
    after = [asker.ask(each, window).answer.refused for each in questions for window in windows]
    return {"refused_alone": _share(alone), "refused_after": _share(after)}


def count_leaning(path: Path) -> dict[str, int]:
    """How many questions of a file are taken for follow-ups."""
    questions = [canonical_question(str(line["q"])) for line in read_lines(path, ("q",))]
    return {"questions": len(questions), "leaning": sum(map(leans_on_earlier, questions))}


def measure(embedder: Embedder, store: Store) -> dict[str, Any]:
    """All figures on the sample documents."""
    ingest_samples(store, embedder)
    asker = Asker(embedder, make_retriever(store))
    dialogues = read_dialogues(FOLLOW_UPS)
    further, wider = read_dialogues(FURTHER), read_dialogues(WIDER)
    halves = {
        half: measure_dialogues(asker, [each for each in [*dialogues, *wider] if each.half == half])
        for half in ("tune", "held_out", "develop", "unseen")
    }
    return {
        "both": measure_dialogues(asker, dialogues),
        **halves,
        "further": measure_dialogues(asker, further),
        "alone": measure_standing_alone(asker),
        "alone_with_and": measure_standing_alone(asker, "and "),
        "beginnings": measure_beginnings(asker, [*dialogues, *further, *wider]),
        "unanswerable": measure_unanswerable(asker),
    }


def _share(flags: Iterable[bool]) -> float:
    listed = list(flags)
    return sum(listed) / len(listed)


def main(arguments: list[str] | None = None) -> int:
    """Print the figures and keep them in benchmarks/results/."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.followups", description=__doc__)
    parser.add_argument("--alone", nargs="*", type=Path, default=[], metavar="QUESTIONS.jsonl")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args(arguments)
    embedder = load_embedder()
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(Path(folder) / "store.sqlite3", embedder.fingerprint, embedder.dimension) as store,
    ):
        figures = measure(embedder, store)
    figures["files"] = {path.stem: count_leaning(path) for path in options.alone}
    for name, part in figures.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in part.items()))
    write_result("followups", figures)
    if options.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
