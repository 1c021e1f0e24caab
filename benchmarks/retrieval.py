"""Measures retrieval and refusals on any passages and questions, or on the sample documents.

python -m benchmarks.retrieval [PASSAGES.jsonl QUESTIONS.jsonl] [--json]

Passages are lines of {"id", "title", "text"}, questions of {"q", "pid", "a"}. Without files it asks
the sample questions and those that the samples do not answer. It listens to and speaks nothing.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora import (
    CorpusError,
    LabelledQuestion,
    ingest_samples,
    label_of,
    load_embedder,
    make_retriever,
    read_passage_questions,
    sample_questions,
    store_passages,
)
from benchmarks.question_file import UNANSWERABLE_QUESTIONS, read_questions
from rag.answer import Answer, Answerer
from rag.embedding import Embedder
from rag.retrieve import Retriever
from rag.store import Store

RESULT_PATH = Path(__file__).resolve().parent / "results" / "retrieval.json"
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's outcome. `rank` counts from 0 and is None past the first DEPTH passages."""

    question: LabelledQuestion
    rank: int | None
    answer: Answer
    retrieval_ms: float


def ask(retriever: Retriever, embedder: Embedder, questions: list[LabelledQuestion]) -> list[Asked]:
    """Ask one after the other; the time is of embedding and search, without the answer."""
    answerer = Answerer(embedder, retriever)
    asked: list[Asked] = []
    for question in questions:
        started = time.monotonic()
        retrieval = retriever.search(question.text, embedder.embed([question.text])[0], DEPTH)
        elapsed_ms = (time.monotonic() - started) * 1000
        labels = [label_of(hit) for hit in retrieval.hits]
        rank = labels.index(question.passage) if question.passage in labels else None
        asked.append(Asked(question, rank, answerer.answer(retrieval), elapsed_ms))
    return asked


def summarise(asked: list[Asked]) -> dict[str, Any]:
    """The figures of answerable questions, by their names in the JSON."""
    times_ms = [one.retrieval_ms for one in asked]
    ranks = [one.rank for one in asked if one.rank is not None]
    figures: dict[str, Any] = {
        "questions": len(asked),
        "hit_at_1": sum(rank < 1 for rank in ranks) / len(asked),
        "hit_at_3": sum(rank < 3 for rank in ranks) / len(asked),
        "hit_at_5": sum(rank < 5 for rank in ranks) / len(asked),
        "mrr_at_10": sum(1 / (rank + 1) for rank in ranks) / len(asked),
        "over_refused": sum(one.answer.refused for one in asked) / len(asked),
        "query_ms": percentiles(times_ms),
    }
    with_answers = [one for one in asked if one.question.answers]
    if with_answers:
        figures["answer_holds_reference"] = float(np.mean(list(map(holds_reference, with_answers))))
    spoken = [len(one.answer.text.split()) for one in asked if not one.answer.refused]
    figures["answer_words"] = float(np.mean(spoken)) if spoken else 0.0
    return figures


def percentiles(times_ms: Sequence[float]) -> dict[str, float]:
    """count, p50, p95 and p99 in milliseconds."""
    p50, p95, p99 = np.percentile(times_ms, [50, 95, 99])
    return {"count": len(times_ms), "p50": float(p50), "p95": float(p95), "p99": float(p99)}


def holds_reference(asked: Asked) -> bool:
    """Whether the spoken text contains one of the reference answers, marks and case aside."""
    spoken = _plain(asked.answer.text)
    return any(_plain(reference) in spoken for reference in asked.question.answers)


def _plain(text: str) -> str:
    plain = " ".join(re.findall(r"[^\W_]+", text.lower()))
    return f" {plain} "


def measure_files(passages: Path, questions: Path, embedder: Embedder, store: Store) -> Any:
    """Figures for a pair of JSONL files."""
    store_passages(passages, store, embedder)
    asked = ask(make_retriever(store), embedder, read_passage_questions(questions))
    if not asked:
        raise CorpusError(f"{questions} holds no questions")
    return summarise(asked)


def measure_samples(embedder: Embedder, store: Store) -> Any:
    """Figures for the sample documents, with the refusals of what they do not answer."""
    ingest_samples(store, embedder)
    retriever = make_retriever(store)
    figures = summarise(ask(retriever, embedder, sample_questions()))
    others = [LabelledQuestion(one.text, "") for one in read_questions(UNANSWERABLE_QUESTIONS)]
    refused = [one.answer.refused for one in ask(retriever, embedder, others)]
    figures["unanswerable"] = len(refused)
    figures["refused"] = sum(refused) / len(refused)
    return figures


def keep_result(path: Path, corpus: str, figures: Any) -> None:
    """Put the corpus's figures beside those of others; the file changes whole or not at all."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept[corpus] = figures
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as stream:
        json.dump(kept, stream, indent=2, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(stream.name, path)


def main(arguments: list[str] | None = None) -> int:
    """Print the figures and keep them in benchmarks/results/; 2 for files that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="PASSAGES.jsonl QUESTIONS.jsonl")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args(arguments)
    if len(options.files) not in (0, 2):
        parser.error("give both a passages and a questions file, or neither")
    embedder = load_embedder()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        with Store(path, embedder.fingerprint, embedder.dimension) as store:
            try:
                if options.files:
                    figures = measure_files(options.files[0], options.files[1], embedder, store)
                else:
                    figures = measure_samples(embedder, store)
            except (CorpusError, OSError) as error:
                print(f"Cannot measure: {error}", file=sys.stderr)
                return 2
    keep_result(RESULT_PATH, options.files[0].stem if options.files else "samples", figures)
    show(figures, options.json)
    return 0


def show(figures: dict[str, Any], as_json: bool) -> None:
    """A line for each figure, then the object where it was asked for."""
    for name, value in figures.items():
        print(f"{name:24} {value if not isinstance(value, float) else f'{value:.3f}'}")
    if as_json:
        print(json.dumps(figures))


if __name__ == "__main__":
    raise SystemExit(main())
