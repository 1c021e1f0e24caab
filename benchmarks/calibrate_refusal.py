"""Fits the confidence of rag/confidence.py and prints its coefficients and error rates.

python -m benchmarks.calibrate_refusal [--xquad PASSAGES.jsonl QUESTIONS.jsonl] [--heard
DETAILS.jsonl] [--json]

DETAILS.jsonl is what python -m benchmarks.spoken --details writes: transcripts of real speech.
Rates are by five-fold cross-validation over questions: no question is judged by coefficients that
have seen it, in any wording, and no transcript by those that have seen its voice. It changes no
file of the program: copy the coefficients by hand.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora import (
    Keep,
    copy_documents,
    ingest_samples,
    load_embedder,
    make_retriever,
    read_lines,
    read_passage_questions,
    sample_questions,
    store_passages,
)
from benchmarks.mishear import Mishearing
from benchmarks.question_file import UNANSWERABLE_QUESTIONS, QuestionKind, read_questions
from benchmarks.retrieval import keep_result
from rag.answer import Answerer, gather_evidence
from rag.confidence import REFUSE_BELOW, Evidence, answer_confidence
from rag.embedding import Embedder
from rag.hit import Retrieval
from rag.store import DocumentRecord, Store

RESULT_PATH = Path(__file__).resolve().parent / "results" / "refusal.json"
FOLDS = 5
RIDGE = 1e-3
MISHEARINGS = 2
REFUSED_ANSWERABLE = 0.04
"""The share of answerable sample questions, as written, that may fall under 0.5."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Observation:
    """One question in one wording against one store; `question` is how it was written.

    `voice` spoke it; "" for text.
    """

    group: str
    question: str
    is_answerable: bool
    evidence: Evidence
    voice: str = ""


class Observer:
    """Asks questions as written and misheard, and notes what speaks for their answers."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.observations: list[Observation] = []

    def ask(self, store: Store, group: str, questions: list[str], is_answerable: bool) -> None:
        """Note the evidence for every question as written and for each of its mishearings."""
        # The embedded recogniser also knows the 5,000 commonest words; questions stand in.
        known = [*store.language_texts(), *questions]
        mishearing = Mishearing(known, seed=len(self.observations))
        wordings = [(f"{group}, as written", question, question) for question in questions]
        wordings += [
            (f"{group}, misheard", question, mishearing.of(question))
            for question in questions * MISHEARINGS
        ]
        vectors = self._embedder.embed([wording for _, _, wording in wordings])
        retriever = make_retriever(store)
        answerer = Answerer(self._embedder, retriever)
        for (name, question, wording), vector in zip(wordings, vectors, strict=True):
            evidence = _evidence(answerer, retriever.search(wording, vector))
            if evidence is not None:
                self.observations.append(Observation(name, question, is_answerable, evidence))

    def ask_heard(self, store: Store, transcripts: Iterable[dict[str, object]]) -> None:
        """Note the evidence for lines of DETAILS.jsonl; nothing heard is no observation."""
        retriever = make_retriever(store)
        answerer = Answerer(self._embedder, retriever)
        for line in transcripts:
            readings = [str(line[name]) for name in ("heard", "other") if line[name]]
            if not readings:
                continue
            vectors = list(self._embedder.embed(readings))
            evidence = _evidence(answerer, retriever.search_readings(readings, vectors))
            is_answerable = line["kind"] == QuestionKind.ANSWERABLE
            group = "samples, spoken" if is_answerable else "unanswerable, spoken"
            if evidence is not None:
                self.observations.append(
                    Observation(
                        group, str(line["said"]), is_answerable, evidence, str(line["voice"])
                    )
                )


def _evidence(answerer: Answerer, retrieval: Retrieval) -> Evidence | None:
    candidates = answerer.candidates(retrieval)
    return gather_evidence(retrieval, candidates) if candidates else None


@contextmanager
def temporary_store(embedder: Embedder) -> Iterator[Store]:
    """An empty store that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        with Store(path, embedder.fingerprint, embedder.dimension) as store:
            yield store


def observe_samples(observer: Observer, embedder: Embedder) -> None:
    """The sample questions with their documents and with each document left out in turn."""
    questions = sample_questions()
    with temporary_store(embedder) as store:
        ingest_samples(store, embedder)
        observer.ask(store, "samples", [one.text for one in questions], True)
        others = [one.text for one in read_questions(UNANSWERABLE_QUESTIONS)]
        observer.ask(store, "unanswerable", others, False)
        for document in store.documents():
            asked = [
                one.text for one in questions if one.passage.partition("#")[0] == document.name
            ]
            with temporary_store(embedder) as rest:
                others_than = {other.name for other in store.documents()} - {document.name}
                copy_documents(store, rest, _keeps(others_than))
                observer.ask(rest, "document left out", asked, False)


def observe_heard(observer: Observer, embedder: Embedder, details: Path) -> None:
    """Transcripts of the sample questions and the unanswerable ones against the samples."""
    with temporary_store(embedder) as store:
        ingest_samples(store, embedder)
        wanted = ("voice", "kind", "said", "heard", "other")
        observer.ask_heard(store, read_lines(details, wanted))


def observe_xquad(observer: Observer, embedder: Embedder, files: list[Path]) -> None:
    """Every third question against the half of the articles that has its passage and the other."""
    questions = read_passage_questions(files[1])[::3]
    with temporary_store(embedder) as store:
        store_passages(files[0], store, embedder)
        titles = sorted({record.title for record in store.documents()})
        for half in (set(titles[::2]), set(titles[1::2])):
            inside = {record.name for record in store.documents() if record.title in half}
            with temporary_store(embedder) as part:
                copy_documents(store, part, _keeps(inside))
                own = [one.text for one in questions if one.passage in inside]
                other = [one.text for one in questions if one.passage not in inside]
                observer.ask(part, "xquad", own, True)
                observer.ask(part, "xquad left out", other, False)


def _keeps(names: set[str]) -> Keep:
    def keep(record: DocumentRecord) -> bool:
        return record.name in names

    return keep


def fit(figures: Floats, answerable: Floats, weights: Floats) -> Floats:
    """Weighted logistic regression by Newton's method with a small ridge; constant first."""
    mean, deviation = figures.mean(axis=0), figures.std(axis=0)
    inputs = np.column_stack([np.ones(len(figures)), (figures - mean) / deviation])
    coefficients = np.zeros(inputs.shape[1])
    for _ in range(50):
        predicted = 1 / (1 + np.exp(-inputs @ coefficients))
        slope = inputs.T @ (weights * (predicted - answerable)) + RIDGE * coefficients
        spread = weights * predicted * (1 - predicted)
        curvature = (inputs.T * spread) @ inputs + RIDGE * np.eye(len(coefficients))
        coefficients = coefficients - np.linalg.solve(curvature, slope)
    slopes = coefficients[1:] / deviation
    return np.concatenate([[coefficients[0] - slopes @ mean], slopes])


def balanced_weights(observations: list[Observation]) -> Floats:
    """Both outcomes weigh 1 in all, and so do the groups within an outcome among themselves."""
    groups = [one.group for one in observations]
    kinds = dict.fromkeys(groups, 0)
    for group in groups:
        kinds[group] += 1
    outcome_groups = {
        outcome: len({one.group for one in observations if one.is_answerable is outcome})
        for outcome in (True, False)
    }
    return np.array(
        [1 / kinds[one.group] / outcome_groups[one.is_answerable] for one in observations]
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """`margins` are each observation's log-odds by coefficients that have not seen its question."""

    coefficients: list[float]
    margins: Floats


def calibrate(observations: list[Observation], figures: Floats) -> Calibration:
    """Fit all, and cross-validate; then move the constant to the allowed share of refusals."""
    answerable = np.array([one.is_answerable for one in observations], float)
    weights = balanced_weights(observations)
    numbers = {
        question: n for n, question in enumerate(dict.fromkeys(o.question for o in observations))
    }
    folds = np.array([numbers[one.question] % FOLDS for one in observations])
    voices = np.array([one.voice for one in observations])
    margins = np.zeros(len(observations))
    for fold, voice in product(range(FOLDS), sorted(set(voices))):
        judged = (folds == fold) & (voices == voice)
        seen = (folds != fold) & ((voices != voice) | (voices == ""))
        coefficients = fit(figures[seen], answerable[seen], weights[seen])
        margins[judged] = coefficients[0] + figures[judged] @ coefficients[1:]
    as_written = [one.group == "samples, as written" for one in observations]
    offset = float(np.quantile(margins[as_written], REFUSED_ANSWERABLE))
    fitted = fit(figures, answerable, weights)
    fitted[0] -= offset
    return Calibration([round(float(value), 2) for value in fitted], margins - offset)


def refused_shares(observations: list[Observation], margins: Floats) -> dict[str, float]:
    """The share of each group whose confidence is below one half."""
    groups = dict.fromkeys(one.group for one in observations)
    return {
        group: float(
            np.mean([m < 0 for o, m in zip(observations, margins, strict=True) if o.group == group])
        )
        for group in groups
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the coefficients of both formulas and the shares refused per group."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate_refusal")
    parser.add_argument("--xquad", nargs=2, type=Path, metavar=("PASSAGES", "QUESTIONS"))
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--heard", type=Path, metavar="DETAILS")
    options = parser.parse_args(arguments)
    embedder = load_embedder()
    observer = Observer(embedder)
    observe_samples(observer, embedder)
    if options.heard:
        observe_heard(observer, embedder, options.heard)
    if options.xquad:
        observe_xquad(observer, embedder, options.xquad)
    else:
        print("Without --xquad: the committed coefficients were fitted with it.")
    result = report(observer.observations)
    corpus = "xquad and samples" if options.xquad else "samples"
    keep_result(RESULT_PATH, f"{corpus}, heard" if options.heard else corpus, result)
    if options.json:
        print(json.dumps(result))
    return 0


def report(observations: list[Observation]) -> dict[str, Any]:
    """Calibrate and print both formulas, and what the committed answer formula gives."""
    figures = np.array([one.evidence.as_tuple() for one in observations])
    result: dict[str, Any] = {}
    for name, columns in (("retrieval", figures[:, :2]), ("answer", figures)):
        calibration = calibrate(observations, columns)
        shares = refused_shares(observations, calibration.margins)
        result[name] = {"coefficients": calibration.coefficients, "refused": shares}
        print(f"{name.upper()}_COEFFICIENTS = {tuple(calibration.coefficients)}")
        for group, share in shares.items():
            print(f"  {group:36} refused {share:.3f}")
    committed = np.array([answer_confidence(one.evidence) - REFUSE_BELOW for one in observations])
    result["committed"] = refused_shares(observations, committed)
    print("as committed")
    for group, share in result["committed"].items():
        print(f"  {group:36} refused {share:.3f}")
    return result


if __name__ == "__main__":
    raise SystemExit(main())
