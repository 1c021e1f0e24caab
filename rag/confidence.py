"""How sure it is that the documents answer a question, 0..1. It finds and chooses nothing.

Both formulas are logistic regressions, fitted by `python -m benchmarks.calibrate_refusal --xquad`,
which prints the coefficients and the rates by five-fold cross-validation over questions. It asks
the sample questions and every third XQuAD question, as written and with a recogniser's mistakes.
Answerable are those whose document is stored; unanswerable are sample questions whose document is
left out, XQuAD's against the other half of its articles, and questions written to have no answer.
The constant is set so that 0.5 refuses 4% of the answerable sample questions as written (misheard
6%); then 82% of the written unanswerable ones are refused, 66 to 68% of those that a left-out
document of the same place would answer, and 96% of XQuAD's.

Spoken questions are harder. `python -m benchmarks.spoken` gives, on 256 pocketsphinx transcripts of
two synthetic voices (word error rate 10% answerable, 20% unanswerable), that 0.5 refuses 10% of the
answerable, most of them misheard past use, and 81% of the unanswerable; with the voices flite:awb
and flite:kal16, 10% and 75%. No threshold holds both 5% and 80%: the one that refuses 5% of the
answerable refuses 57% of the others, 49% with the other voices. Words weighed by the recogniser's
posteriors, and coefficients fitted with `--heard`, gave no better trade.
"""

import math
from dataclasses import dataclass

REFUSE_BELOW = 0.5
"""The answer's confidence under which it is withheld."""

RETRIEVAL_COEFFICIENTS = (-7.48, 11.5, 7.58)
"""Constant, passage cosine, passage coverage."""

ANSWER_COEFFICIENTS = (-9.2, 7.89, 2.34, 7.32, 5.96)
"""Constant, then in the order of Evidence."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer. Cosines are from -1 to 1, coverages from 0 to 1."""

    passage_cosine: float
    """The highest of a passage found with the question."""
    passage_coverage: float
    """The largest share of the question's words, by rarity, that one of the first passages has."""
    sentence_cosine: float
    """The highest of a sentence of the first passages with the question."""
    sentence_coverage: float
    """The share of the question's words in the chosen sentence and the headings over it."""

    def as_tuple(self) -> tuple[float, float, float, float]:
        """In the order of the coefficients."""
        return (
            self.passage_cosine,
            self.passage_coverage,
            self.sentence_cosine,
            self.sentence_coverage,
        )


def retrieval_confidence(passage_cosine: float, passage_coverage: float) -> float:
    """Before any sentence is looked at; for deciding how long to wait for more speech."""
    return _logistic(RETRIEVAL_COEFFICIENTS, (passage_cosine, passage_coverage))


def answer_confidence(evidence: Evidence) -> float:
    """With the sentences looked at; below REFUSE_BELOW the answer should be withheld."""
    return _logistic(ANSWER_COEFFICIENTS, evidence.as_tuple())


def _logistic(coefficients: tuple[float, ...], figures: tuple[float, ...]) -> float:
    constant, *slopes = coefficients
    exponent = constant + sum(a * x for a, x in zip(slopes, figures, strict=True))
    return 1 / (1 + math.exp(-exponent))
