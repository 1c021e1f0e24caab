"""benchmarks/soak.py: a leak is seen through what memory does besides."""

import random

import pytest

from benchmarks.soak import InUse, grown, slope_mb


@pytest.mark.parametrize("leak_mb", [0.0, 0.8, 5.0])
def test_a_leak_is_seen_through_peaks(leak_mb: float) -> None:
    """Within 0.2 MB per 1,000 turns, though memory goes up and down by 40 MB."""
    chance = random.Random(1)
    samples = [
        (turn, 300 + leak_mb * turn / 1000 + chance.random() * 40 * (chance.random() < 0.7))
        for turn in range(0, 4000, 7)
    ]
    assert slope_mb(samples) == pytest.approx(leak_mb, abs=0.2)


def test_too_few_samples_tell_nothing() -> None:
    """A run that ended at once has no slope."""
    assert slope_mb([(1, 300.0), (2, 400.0)]) == 0.0


def test_what_is_more_in_use_is_named() -> None:
    """Less is fine."""
    assert grown(InUse(14, 12, 30), InUse(14, 13, 29)) == ["threads"]
