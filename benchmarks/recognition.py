"""Word error rate and cost of a recogniser on spoken sample questions and on recordings of people.

`python -m benchmarks.recognition [--voices flite:slt,flite:rms] [--recordings DIR] [--whisper DIR]
[--json]`
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.question_file import SAMPLE_QUESTIONS, UNANSWERABLE_QUESTIONS
from benchmarks.results import percentiles, table, write_result
from benchmarks.spoken_sets import (
    DEFAULT_RECORDINGS,
    SpokenItem,
    as_sessions_hear,
    recorded_items,
    sample_language_model,
    spoken_items,
)
from benchmarks.wer import word_errors
from models.sphinx import SphinxRecognizer
from models.stt import RATE_HZ, Recognizer, Transcript
from models.whisper import WhisperRecognizer

DEFAULT_VOICES = "flite:slt,flite:rms"
CROPS_MS = (96, 192)
"""Silence that a session leaves behind the last word: EndpointSettings.pause_ms, and twice it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One item recognised, with the CPU time of all threads of this process."""

    item: SpokenItem
    transcript: Transcript
    cpu_s: float

    @property
    def real_time_factor(self) -> float:
        """CPU seconds for each second of audio."""
        return self.cpu_s * RATE_HZ / len(self.item.speech)


def hear(recognizer: Recognizer, items: Sequence[SpokenItem]) -> list[Heard]:
    """Recognise one after another, timed."""
    heard = []
    for item in items:
        started = time.process_time()
        transcript = recognizer.recognise(item.speech)
        heard.append(Heard(item, transcript, time.process_time() - started))
    return heard


def figures_of(heard: Sequence[Heard]) -> dict[str, Any]:
    """WER in percent, cost, mean confidence, and how often each decoder was believed."""
    errors = [word_errors(one.item.words, one.transcript.text) for one in heard]
    sources = Counter(str(one.transcript.details.get("source", "model")) for one in heard)
    return {
        "utterances": len(heard),
        "words": sum(words for _, words in errors),
        "wer_percent": round(100 * sum(e for e, _ in errors) / sum(w for _, w in errors), 1),
        "cpu_ms": percentiles(1000 * one.cpu_s for one in heard),
        "real_time_factor": round(sum(one.cpu_s for one in heard) * RATE_HZ / _samples(heard), 3),
        "confidence": round(sum(one.transcript.confidence for one in heard) / len(heard), 3),
        "sources": dict(sorted(sources.items())),
    }


def _samples(heard: Sequence[Heard]) -> int:
    return sum(len(one.item.speech) for one in heard)


def by_group(heard: Sequence[Heard]) -> dict[str, dict[str, Any]]:
    """The figures of each voice, in the order first heard."""
    groups = dict.fromkeys(one.item.group for one in heard)
    return {name: figures_of([one for one in heard if one.item.group == name]) for name in groups}


def measure(recognizer: Recognizer, voices: str, recordings: Path) -> dict[str, Any]:
    """Everything that is written to benchmarks/results/recognition.json."""
    spoken = spoken_items(SAMPLE_QUESTIONS, voices)
    questions = hear(recognizer, spoken)
    cropped = [one for ms in CROPS_MS for one in hear(recognizer, as_sessions_hear(spoken, ms))]
    unanswerable = hear(recognizer, spoken_items(UNANSWERABLE_QUESTIONS, voices))
    figures: dict[str, Any] = {
        "engine": recognizer.name,
        "voices": by_group(questions),
        "cropped": by_group(cropped),
        "all_voices": figures_of(questions),
        "unanswerable": by_group(unanswerable),
    }
    recorded = hear(recognizer, recorded_items(recordings))
    figures["recordings"] = figures_of(recorded) if recorded else None
    return figures


def report(figures: dict[str, Any]) -> str:
    """A table for people."""
    rows: list[list[object]] = [["speech", "n", "WER %", "cpu ms p50", "p95", "RTF", "taken from"]]
    named = {
        **figures["voices"],
        **figures["cropped"],
        "all voices": figures["all_voices"],
        **{f"unanswerable {name}": one for name, one in figures["unanswerable"].items()},
    }
    if figures["recordings"]:
        named["recordings"] = figures["recordings"]
    for name, one in named.items():
        cost = one["cpu_ms"]
        sources = ", ".join(f"{source} {count}" for source, count in one["sources"].items())
        rows.append(
            [
                name,
                one["utterances"],
                one["wer_percent"],
                cost["p50"],
                cost["p95"],
                one["real_time_factor"],
                sources,
            ]
        )
    return table(rows)


def make_recognizer(whisper_dir: Path | None) -> Recognizer:
    """Whisper from a folder, else the embedded engine with the sample documents' model."""
    if whisper_dir is not None:
        return WhisperRecognizer(whisper_dir)
    recognizer = SphinxRecognizer(sample_language_model())
    recognizer.wait_until_ready()
    return recognizer


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status, always 0."""
    options = _parser().parse_args(arguments)
    figures = measure(make_recognizer(options.whisper), options.voices, options.recordings)
    print(report(figures))
    if figures["recordings"] is None:
        print(f"Recordings skipped: no transcripts.json in {options.recordings}")
    print(f"Written to {write_result('recognition', figures)}")
    if options.json:
        print(json.dumps(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recognition", description=__doc__)
    parser.add_argument("--voices", default=DEFAULT_VOICES, help=f"default {DEFAULT_VOICES}")
    parser.add_argument("--recordings", type=Path, default=DEFAULT_RECORDINGS, metavar="DIR")
    parser.add_argument("--whisper", type=Path, metavar="DIR", help="a faster-whisper model folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


if __name__ == "__main__":
    sys.exit(main())
