"""Fitting the choice rule, on hearings written by hand."""

from benchmarks.choose_hypothesis import Pair, best_rule, cross_checked, wer_by_kind
from models.hypothesis import ChoiceRule, Hypothesis


def pair(kind: str, corpus_posterior: float, errors: tuple[int, int], number: int = 0) -> Pair:
    corpus = Hypothesis("a b", corpus_posterior, -2.0, 0.6)
    general = Hypothesis("c d", 0.8, -2.0, 0.6)
    return Pair(kind, "flite:slt", number, 10, corpus, general, *errors)


OURS = [pair("answerable", 0.85, (0, 5), number) for number in range(4)]
FOREIGN = [pair("recordings", 0.4, (8, 1), number) for number in range(4)]


def test_best_rule_takes_each_decoder_where_it_is_right() -> None:
    """Corpus speech from one, foreign speech from the other."""
    rule = best_rule([*OURS, *FOREIGN])
    assert wer_by_kind([*OURS, *FOREIGN], rule) == {"answerable": 0.0, "recordings": 10.0}


def test_hearing_nothing_costs_every_word() -> None:
    """A rule cannot win by refusing to listen."""
    deaf = ChoiceRule(least_spoken_fraction=0.9)
    assert wer_by_kind(OURS, deaf) == {"answerable": 100.0}


def test_cross_check_scores_only_what_was_not_fitted() -> None:
    """Each half is fitted once and scored once."""
    outcomes = cross_checked([*OURS, *FOREIGN], lambda one: one.number % 2 == 0)
    assert len(outcomes) == 2
    assert all(outcome["wer_percent"]["answerable"] == 0.0 for outcome in outcomes)
