"""The sample questions spoken aloud through ears, search and answer: is the right passage found?

`python -m benchmarks.spoken [--voices flite:slt,flite:rms] [--every N] [--json]`. No socket and no
voice: what is judged is what was heard, found and refused.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio.wavfile import read_wav
from benchmarks.question_file import SAMPLE_QUESTIONS, UNANSWERABLE_QUESTIONS, read_questions
from benchmarks.results import table, write_result
from benchmarks.speak import DEFAULT_OUT, SpokenQuestion, spoken_questions
from benchmarks.voices import parse_voices
from benchmarks.wer import word_error_rate
from models.espeak import EspeakLibrary
from models.stt import Transcript
from rag.answer import Answer
from rag.hit import Retrieval
from server.engines.knowledge import load_knowledge
from server.engines.loading import choose_recognizer, load_recognizer
from server.engines.preparation import (
    ingest_samples_once,
    load_embedder,
    open_store,
    prepare_language_model,
)
from server.settings import load_settings

DEFAULT_VOICES = "flite:slt,flite:rms"
HITS_SEARCHED = 5
MOST_ANSWERABLE_REFUSED = 0.05
LEAST_UNANSWERABLE_REFUSED = 0.8
QUESTION_FILES = {"answerable": SAMPLE_QUESTIONS, "unanswerable": UNANSWERABLE_QUESTIONS}


@dataclass(frozen=True, slots=True)
class Asked:
    """One spoken question, what was heard, found and answered."""

    spoken: SpokenQuestion
    transcript: Transcript
    retrieval: Retrieval
    answer: Answer

    @property
    def understood(self) -> str:
        """The reading that was answered: of two the one that the documents fit better."""
        return self.retrieval.question

    @property
    def rank(self) -> int | None:
        """Where the right passage stands among the hits, from 1; None when it does not."""
        question = self.spoken.question
        for rank, hit in enumerate(self.retrieval.hits, 1):
            if hit.document == question.document and question.heading in hit.passage.heading:
                return rank
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Speak, recognise, search, judge; write benchmarks/results/spoken.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.spoken", description=__doc__)
    parser.add_argument("--voices", default=DEFAULT_VOICES)
    parser.add_argument("--every", type=int, default=1, help="take one question in so many")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--details", type=Path, help="write every question as JSON lines here")
    parsed = parser.parse_args(arguments)
    asked = {
        name: _ask_all(path, parsed.voices, parsed.every)
        for name, path in (
            ("answerable", SAMPLE_QUESTIONS),
            ("unanswerable", UNANSWERABLE_QUESTIONS),
        )
    }
    figures = summarise(asked["answerable"], asked["unanswerable"]) | {"voices": parsed.voices}
    print(table([(name, value) for name, value in figures.items()]))
    if parsed.details:
        _write_details(parsed.details, [*asked["answerable"], *asked["unanswerable"]])
    if parsed.every == 1 and parsed.voices == DEFAULT_VOICES:
        write_result("spoken", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


def _ask_all(path: Path, voices: str, every: int) -> list[Asked]:
    settings = load_settings().settings
    questions = read_questions(path)[::every]
    spoken = spoken_questions(questions, parse_voices(voices), DEFAULT_OUT)
    embedder = load_embedder(settings, lambda text: None)
    with open_store(settings, embedder) as store:
        ingest_samples_once(store, embedder, lambda text: None)
        knowledge = load_knowledge(store, embedder, settings.refusal_confidence)
        words = prepare_language_model(settings, store, EspeakLibrary())
        recognizer = load_recognizer(settings, choose_recognizer(settings), words)
        asked = []
        for number, one in enumerate(spoken, 1):
            transcript = recognizer.recognise(read_wav(one.path).samples)
            readings = [transcript.text, *filter(None, [transcript.other])]
            vectors = list(embedder.embed(readings))
            retrieval = knowledge.retriever.search_readings(readings, vectors, HITS_SEARCHED)
            answer = knowledge.answerer.answer(retrieval)
            asked.append(Asked(one, transcript, retrieval, answer))
            print(f"\r{number} of {len(spoken)} {path.stem}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return asked


def summarise(answerable: Sequence[Asked], unanswerable: Sequence[Asked]) -> dict[str, Any]:
    """Return shares in percent and counts."""
    ranks = [one.rank for one in answerable]
    return {
        "answerable": len(answerable),
        "wer_percent": _wer(answerable),
        "wer_of_first_reading_percent": _wer(answerable, first_reading=True),
        "right_first_percent": _percent(rank == 1 for rank in ranks),
        "right_among_three_percent": _percent(rank is not None and rank <= 3 for rank in ranks),
        "answerable_refused_percent": _percent(one.answer.refused for one in answerable),
        **trade_off(
            [one.answer.confidence for one in answerable],
            [one.answer.confidence for one in unanswerable],
        ),
        "unanswerable": len(unanswerable),
        "unanswerable_wer_percent": _wer(unanswerable),
        "unanswerable_refused_percent": _percent(one.answer.refused for one in unanswerable),
    }


def trade_off(answerable: Sequence[float], unanswerable: Sequence[float]) -> dict[str, float]:
    """What any other threshold would give: shares refused in percent, by confidences.

    Each bound of the issue is held in turn, as tightly as the measured confidences allow.
    """
    if not answerable or not unanswerable:
        return {}
    lenient = sorted(answerable)[int(MOST_ANSWERABLE_REFUSED * len(answerable))]
    strict = sorted(unanswerable)[math.ceil(LEAST_UNANSWERABLE_REFUSED * len(unanswerable)) - 1]
    return {
        "unanswerable_refused_where_5_percent_answerable_are": _percent(
            confidence < lenient for confidence in unanswerable
        ),
        "answerable_refused_where_80_percent_unanswerable_are": _percent(
            confidence <= strict for confidence in answerable
        ),
    }


def _wer(asked: Iterable[Asked], first_reading: bool = False) -> float:
    pairs = [
        (one.spoken.question.text, one.transcript.text if first_reading else one.understood)
        for one in asked
    ]
    return round(100 * word_error_rate(pairs), 1)


def _percent(judgements: Iterable[bool]) -> float:
    listed = list(judgements)
    return round(100 * sum(listed) / len(listed), 1) if listed else 0.0


def _write_details(path: Path, asked: Iterable[Asked]) -> None:
    with path.open("w") as stream:
        for one in asked:
            row = {
                "voice": str(one.spoken.voice),
                "kind": str(one.spoken.question.kind),
                "said": one.spoken.question.text,
                "heard": one.transcript.text,
                "other": one.transcript.other,
                "understood": one.understood,
                "stt_confidence": one.transcript.confidence,
                "source": one.transcript.details.get("source"),
                "rank": one.rank,
                "refused": one.answer.refused,
                "confidence": one.answer.confidence,
            }
            stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
