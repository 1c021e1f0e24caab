"""The rule that chooses between two hearings, on hearings written by hand."""

import dataclasses

import pytest

from models.hypothesis import ChoiceRule, Hypothesis, Source
from models.sphinx_library import Segment

SURE = Hypothesis("how long is the boardwalk", 0.9, -2.0, 0.6)
UNSURE = Hypothesis("how long is the boar walk", 0.5, -2.5, 0.6)
RULE = ChoiceRule(0.7, posterior_weight=2.0, least_lead=0.15, least_spoken_fraction=0.2)


def segment(word: str, first: int, last: int, acoustic: int = 0) -> Segment:
    return Segment(word, first, last, acoustic, 0, 0)


def test_text_has_no_silences_and_no_pronunciation_numbers() -> None:
    """What is shown are words, as they are written."""
    heard = [segment("<s>", 0, 9), segment("to(3)", 10, 19), segment("[NOISE]", 20, 29)]
    assert Hypothesis.of([*heard, segment("see", 30, 39)], [1, 1, 1, 1]).text == "to see"


def test_posterior_is_weighted_by_duration_of_words_only() -> None:
    """A long sure word counts more than a short unsure one, and a silence not at all."""
    heard = [segment("<sil>", 0, 99), segment("a", 100, 109), segment("boardwalk", 110, 139)]
    found = Hypothesis.of(heard, [0.0, 0.2, 1.0])
    assert found.posterior == pytest.approx((10 * 0.2 + 30 * 1.0) / 40)
    assert found.spoken_fraction == pytest.approx(40 / 140)


def test_acoustic_score_is_per_frame() -> None:
    """Twice as much of the same sound has the same score."""
    once = Hypothesis.of([segment("a", 0, 9, -1000)], [1])
    twice = Hypothesis.of([segment("a", 0, 9, -1000), segment("a", 10, 19, -1000)], [1, 1])
    assert once.acoustic == pytest.approx(twice.acoustic)
    assert once.acoustic < 0


def test_nothing_heard_is_no_division_by_zero() -> None:
    """No segments at all are a hearing without words."""
    assert Hypothesis.of([], []) == Hypothesis("", 0.0, 0.0, 0.0)


def test_sure_corpus_hearing_needs_no_second() -> None:
    """Then the slow decoder is spared."""
    assert RULE.is_sure(SURE)
    assert not RULE.is_sure(UNSURE)
    assert RULE.choose(SURE, None) is Source.CORPUS


@pytest.mark.parametrize(
    ("posterior", "acoustic", "source"),
    [
        (0.5, -2.5, Source.CORPUS),
        (0.5, -2.3, Source.GENERAL),
        (0.6, -2.5, Source.GENERAL),
        (0.6, -2.6, Source.CORPUS),
        (0.3, -2.2, Source.CORPUS),
    ],
)
def test_general_hearing_must_lead_by_sound_and_certainty(
    posterior: float, acoustic: float, source: Source
) -> None:
    """Gain in sound plus twice the gain in posterior decides, at 0.15."""
    assert RULE.choose(UNSURE, Hypothesis("other words", posterior, acoustic, 0.6)) is source


def test_without_a_corpus_the_general_hearing_is_taken() -> None:
    """There is nothing else."""
    assert RULE.choose(None, UNSURE) is Source.GENERAL


def test_one_short_word_in_long_noise_is_no_speech() -> None:
    """However sure a decoder is of it."""
    noise = dataclasses.replace(SURE, spoken_fraction=0.1)
    assert not RULE.is_sure(noise)
    assert RULE.choose(noise, noise) is Source.NOTHING
    assert RULE.choose(None, noise) is Source.NOTHING
