"""Fits the rule of models/hypothesis.py that chooses between two decoders; changes no default
itself.

`python -m benchmarks.choose_hypothesis [--voices ...] [--every N] [--recordings DIR] [--json]`
Every candidate is scored on answerable questions, unanswerable ones and recordings of people. It is
cross-checked by fitting on half of the voices or questions and scoring on the other half.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.question_file import SAMPLE_QUESTIONS, UNANSWERABLE_QUESTIONS
from benchmarks.results import write_result
from benchmarks.spoken_sets import (
    DEFAULT_RECORDINGS,
    SpokenItem,
    recorded_items,
    sample_language_model,
    spoken_items,
)
from benchmarks.wer import word_errors
from models.hypothesis import ChoiceRule, Hypothesis, Source
from models.sphinx import SphinxRecognizer

DEFAULT_VOICES = "flite:slt,flite:rms,flite:awb,flite:kal16"
WEIGHTS = {"answerable": 2.0, "unanswerable": 0.5, "recordings": 0.5}
"""What counts most is the corpus' own questions; the rest keeps the rule honest."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both hearings of one item with their word errors."""

    kind: str
    voice: str
    number: int
    words: int
    corpus: Hypothesis
    general: Hypothesis
    corpus_errors: int
    general_errors: int

    def errors_under(self, rule: ChoiceRule) -> int:
        """Word errors of what the rule takes; every word is one when it takes nothing."""
        general = None if rule.is_sure(self.corpus) else self.general
        source = rule.choose(self.corpus, general)
        errors = {Source.CORPUS: self.corpus_errors, Source.GENERAL: self.general_errors}
        return errors.get(source, self.words)


def candidates() -> list[ChoiceRule]:
    """The grid that is searched."""
    sure = (0.7, 0.75, 0.8, 0.85, 0.9)
    weights = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    leads = (-0.1, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
    return [ChoiceRule(*values) for values in product(sure, weights, leads)]


def wer_by_kind(pairs: Sequence[Pair], rule: ChoiceRule) -> dict[str, float]:
    """Percent, for the kinds that there are."""
    rates = {}
    for kind in WEIGHTS:
        chosen = [pair for pair in pairs if pair.kind == kind]
        if chosen:
            errors = sum(pair.errors_under(rule) for pair in chosen)
            rates[kind] = round(100 * errors / sum(pair.words for pair in chosen), 1)
    return rates


def cost(pairs: Sequence[Pair], rule: ChoiceRule) -> float:
    """The weighted sum of the kinds' word error rates."""
    return sum(WEIGHTS[kind] * rate for kind, rate in wer_by_kind(pairs, rule).items())


def best_rule(pairs: Sequence[Pair]) -> ChoiceRule:
    """Of equally good rules the first: the one that asks the general decoder least."""
    return min(candidates(), key=lambda rule: cost(pairs, rule))


def cross_checked(pairs: Sequence[Pair], is_first: Callable[[Pair], bool]) -> list[dict[str, Any]]:
    """Fitted on one half and scored on the other, both ways; recordings are in both halves."""
    first = [pair for pair in pairs if is_first(pair) or pair.kind == "recordings"]
    second = [pair for pair in pairs if not is_first(pair) or pair.kind == "recordings"]
    outcomes = []
    for fitted, checked in ((first, second), (second, first)):
        rule = best_rule(fitted)
        outcomes.append({"rule": asdict(rule), "wer_percent": wer_by_kind(checked, rule)})
    return outcomes


def pairs_of(recognizer: SphinxRecognizer, kind: str, items: Sequence[SpokenItem]) -> list[Pair]:
    """Hear every item with both decoders: about half a second of CPU each."""
    pairs = []
    for number, item in enumerate(items):
        corpus, general = recognizer.hear_both(item.speech)
        if corpus is None:
            raise ValueError("the rule is fitted with a corpus' language model")
        errors, words = word_errors(item.words, corpus.text)
        general_errors, _ = word_errors(item.words, general.text)
        pairs.append(Pair(kind, item.group, number, words, corpus, general, errors, general_errors))
    return pairs


def fit(pairs: Sequence[Pair], voices: Sequence[str]) -> dict[str, Any]:
    """Everything that is written to benchmarks/results/choose_hypothesis.json."""
    rule = best_rule(pairs)
    every_first = set(voices[::2])
    return {
        "utterances": len(pairs),
        "best": asdict(rule),
        "best_wer_percent": wer_by_kind(pairs, rule),
        "default_wer_percent": wer_by_kind(pairs, ChoiceRule()),
        "corpus_only_wer_percent": wer_by_kind(pairs, ChoiceRule(least_lead=1e9)),
        "general_only_wer_percent": wer_by_kind(pairs, ChoiceRule(2.0, 2.0, -1e9)),
        "sure_share": sum(rule.is_sure(pair.corpus) for pair in pairs) / len(pairs),
        "across_voices": cross_checked(pairs, lambda pair: pair.voice in every_first),
        "across_questions": cross_checked(pairs, lambda pair: pair.number % 2 == 0),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status, always 0."""
    options = _parser().parse_args(arguments)
    recognizer = SphinxRecognizer(sample_language_model())
    pairs = [
        *pairs_of(
            recognizer, "answerable", spoken_items(SAMPLE_QUESTIONS, options.voices, options.every)
        ),
        *pairs_of(
            recognizer,
            "unanswerable",
            spoken_items(UNANSWERABLE_QUESTIONS, options.voices, options.every),
        ),
        *pairs_of(recognizer, "recordings", recorded_items(options.recordings)),
    ]
    figures = fit(pairs, sorted({pair.voice for pair in pairs if pair.kind != "recordings"}))
    print(json.dumps(figures) if options.json else json.dumps(figures, indent=1))
    write_result("choose_hypothesis", figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.choose_hypothesis", description=__doc__
    )
    parser.add_argument("--voices", default=DEFAULT_VOICES, help=f"default {DEFAULT_VOICES}")
    parser.add_argument("--every", type=int, default=4, help="one question in so many a voice")
    parser.add_argument("--recordings", type=Path, default=DEFAULT_RECORDINGS, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
