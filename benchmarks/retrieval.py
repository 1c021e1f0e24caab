"""Measures retrieval and refusals on any passages and questions, or on the sample documents.

python -m benchmarks.retrieval [PASSAGES.jsonl QUESTIONS.jsonl [--grow-to N] [--questions N]
[--store STORE.sqlite3]] [--json]

Passages are lines of {"id", "title", "text"}, questions of {"q", "pid", "a"}. Beside the whole it
tells what FTS5 and the index find alone. --grow-to adds made-up passages up to N, for the times;
--questions asks only N of the questions, evenly spread; --store keeps the embedded passages there
for the next run. Without files it asks the sample questions
and those that the samples do not answer. It listens to and speaks nothing.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
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
from benchmarks.distractors import grow
from benchmarks.plots import write_pages
from benchmarks.question_file import UNANSWERABLE_QUESTIONS, read_questions
from benchmarks.retrieval_figures import DEPTH, Ranked, hit_figures, percentiles
from benchmarks.retrieval_parts import measure_parts
from models.process_setup import set_up_process
from rag.answer import Answer, Answerer
from rag.embedding import Embedder
from rag.index_keeper import IndexKeeper
from rag.index_kinds import IndexLimits
from rag.index_process import start
from rag.retrieve import Retriever
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from rag.words import Stemmer

RESULT_PATH = Path(__file__).resolve().parent / "results" / "retrieval.json"
ANSWERS_WITHOUT_REFERENCE = 300
"""Answers that no reference judges are composed for so many questions, evenly spread."""
LONGEST_BUILD_S = 1200.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's outcome. `answer` is None where none was composed."""

    question: LabelledQuestion
    ranked: Ranked
    answer: Answer | None
    retrieval_ms: float
    search_cpu_ms: float
    """Processor time of the search alone: what else the machine does is not in it."""
    whole_cpu_ms: float
    """Of embedding and search."""


def ask(retriever: Retriever, embedder: Embedder, questions: list[LabelledQuestion]) -> list[Asked]:
    """Ask one after the other; the time is of embedding and search, without the answer."""
    answerer = Answerer(embedder, retriever)
    step = max(1, -(-len(questions) // ANSWERS_WITHOUT_REFERENCE))
    asked: list[Asked] = []
    for number, question in enumerate(questions):
        started, started_all = time.monotonic(), time.process_time()
        vector = embedder.embed([question.text])[0]
        started_cpu = time.thread_time()
        retrieval = retriever.search(question.text, vector, DEPTH)
        search_cpu_ms = (time.thread_time() - started_cpu) * 1000
        whole_cpu_ms = (time.process_time() - started_all) * 1000
        elapsed_ms = (time.monotonic() - started) * 1000
        ranked = Ranked.of(question.passage, [label_of(hit) for hit in retrieval.hits])
        is_answered = bool(question.answers) or number % step == 0
        answer = answerer.answer(retrieval) if is_answered else None
        times_ms = (elapsed_ms, search_cpu_ms, whole_cpu_ms)
        asked.append(Asked(question, ranked, answer, *times_ms))
    return asked


def summarise(asked: list[Asked]) -> dict[str, Any]:
    """The figures of answerable questions, by their names in the JSON."""
    answers = [one.answer for one in asked if one.answer is not None]
    figures: dict[str, Any] = {
        "questions": len(asked),
        **hit_figures([one.ranked for one in asked]),
        "answers": len(answers),
        "over_refused": sum(answer.refused for answer in answers) / len(answers),
        "query_ms": percentiles([one.retrieval_ms for one in asked]),
        "search_cpu_ms": percentiles([one.search_cpu_ms for one in asked]),
        "whole_cpu_ms": percentiles([one.whole_cpu_ms for one in asked]),
    }
    with_answers = [one for one in asked if one.question.answers]
    if with_answers:
        figures["answer_holds_reference"] = float(np.mean(list(map(holds_reference, with_answers))))
    spoken = [len(answer.text.split()) for answer in answers if not answer.refused]
    figures["answer_words"] = float(np.mean(spoken)) if spoken else 0.0
    return figures


def holds_reference(asked: Asked) -> bool:
    """Whether the spoken text contains one of the reference answers, marks and case aside."""
    spoken = _plain(asked.answer.text) if asked.answer else ""
    return any(_plain(reference) in spoken for reference in asked.question.answers)


def _plain(text: str) -> str:
    plain = " ".join(re.findall(r"[^\W_]+", text.lower()))
    return f" {plain} "


def measure_files(
    passages: Path, questions: Path, embedder: Embedder, store: Store, size: int = 0, most: int = 0
) -> Any:
    """Figures for a pair of JSONL files, with made-up passages up to `size`.

    At most `most` questions are asked, all for 0. The index is of the kind that a server would
    search, built first where that is none.
    """
    asked_for = read_passage_questions(questions)
    if not asked_for:
        raise CorpusError(f"{questions} holds no questions")
    if most:
        asked_for = asked_for[:: -(-len(asked_for) // most)]
    if not store.counts().documents:
        store_passages(passages, store, embedder)
    grow(store, size)
    retriever = _as_served(store)
    figures = summarise(ask(retriever, embedder, asked_for))
    parts = measure_parts(store, retriever, embedder, asked_for)
    return {
        **figures,
        "index": retriever.index.kind,
        "passages": store.counts().passages,
        "parts": parts.hits,
        "parts_cpu_ms": parts.cpu_ms,
    }


def _as_served(store: Store) -> Retriever:
    """Over the store's published index, or exactly where its size asks for none."""
    faiss.omp_set_num_threads(1)
    folder = SnapshotFolder(store.path.with_name("indexes"))
    keeper = IndexKeeper(store, folder, IndexLimits(), partial(start, niceness=0))
    keeper.look()
    keeper.wait_for_build(LONGEST_BUILD_S)
    keeper.look()
    return Retriever(store, keeper.index, Stemmer())


def measure_samples(embedder: Embedder, store: Store) -> Any:
    """Figures for the sample documents, with the refusals of what they do not answer."""
    ingest_samples(store, embedder)
    retriever = make_retriever(store)
    figures = summarise(ask(retriever, embedder, sample_questions()))
    others = [LabelledQuestion(one.text, "") for one in read_questions(UNANSWERABLE_QUESTIONS)]
    asked = ask(retriever, embedder, others)
    refused = [one.answer.refused for one in asked if one.answer is not None]
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
    parser.add_argument(
        "--grow-to", type=int, default=0, metavar="N", help="passages, with made-up"
    )
    parser.add_argument("--questions", type=int, default=0, metavar="N", help="ask only so many")
    parser.add_argument(
        "--store", type=Path, metavar="STORE.sqlite3", help="keep the passages here"
    )
    options = parser.parse_args(arguments)
    if len(options.files) not in (0, 2):
        parser.error("give both a passages and a questions file, or neither")
    set_up_process()
    embedder = load_embedder()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "store.sqlite3"
        with Store(path, embedder.fingerprint, embedder.dimension) as store:
            try:
                if options.files:
                    passages, questions = options.files
                    figures = measure_files(
                        passages, questions, embedder, store, options.grow_to, options.questions
                    )
                else:
                    figures = measure_samples(embedder, store)
            except (CorpusError, OSError) as error:
                print(f"Cannot measure: {error}", file=sys.stderr)
                return 2
    corpus = options.files[0].stem if options.files else "samples"
    grown = f", {options.grow_to} passages" if options.grow_to else ""
    keep_result(RESULT_PATH, corpus + grown, figures)
    for page in write_pages():
        print(f"The plots are in {page}", file=sys.stderr)
    show(figures, options.json)
    return 0


def show(figures: dict[str, Any], as_json: bool) -> None:
    """A line for each figure, then the object where it was asked for."""
    for name, value in _flat(figures):
        print(f"{name:32} {value if not isinstance(value, float) else f'{value:.3f}'}")
    if as_json:
        print(json.dumps(figures))


def _flat(figures: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", figure) for inner, figure in _flat(value))
        else:
            yield name, value


if __name__ == "__main__":
    raise SystemExit(main())
