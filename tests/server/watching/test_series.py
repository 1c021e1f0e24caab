"""server/watching/series.py: counts, means and percentiles that forget, in bounded memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.watching.series import GROWTH, LOWEST_MS, Series, SlidingHistogram, SlidingMean, Span

WINDOW_S = 60.0


def test_nothing_observed_gives_zeros() -> None:
    """No division by zero, no invented figure."""
    summary = SlidingHistogram(WINDOW_S).summary(5.0)
    assert (summary.count, summary.mean, summary.p50, summary.p99) == (0, 0.0, 0.0, 0.0)
    assert SlidingMean(WINDOW_S).maximum(5.0) == 0.0


@given(st.lists(st.floats(LOWEST_MS, 90_000), min_size=1, max_size=300))
def test_percentiles_are_within_half_a_bucket(values: list[float]) -> None:
    """Against the exact order statistic: 2.5% off at most; count and mean are exact."""
    window = SlidingHistogram(WINDOW_S)
    for value in values:
        window.add(value, 1.0)
    summary = window.summary(1.0)
    assert summary.count == len(values)
    assert summary.mean == pytest.approx(sum(values) / len(values), abs=0.001)
    for share, found in ((0.5, summary.p50), (0.95, summary.p95), (0.99, summary.p99)):
        exact = np.percentile(values, 100 * share, method="inverted_cdf")
        assert found == pytest.approx(exact, rel=GROWTH**0.5 - 1 + 1e-6, abs=0.001)


def test_durations_outside_the_buckets_are_counted_at_the_ends() -> None:
    """Zero, less than the lowest and more than the highest: no error, none lost."""
    window = SlidingHistogram(WINDOW_S)
    for value in (0.0, 0.001, 1e9):
        window.add(value, 1.0)
    summary = window.summary(1.0)
    assert summary.count == 3
    assert 0 < summary.p50 <= LOWEST_MS * GROWTH
    assert summary.p99 < 110_000


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0.1, 1000)), min_size=1, max_size=60),
    st.floats(0, 400),
)
def test_a_window_holds_what_is_young_and_nothing_that_is_old(
    observed: list[tuple[float, float]], later_s: float
) -> None:
    """All of the window's length; nothing older than it and a twentieth more."""
    window = SlidingMean(WINDOW_S)
    now_s = max(at_s for at_s, _ in observed) + later_s
    for at_s, value in sorted(observed):
        window.add(value, at_s)
    young = sum(1 for at_s, _ in observed if at_s > now_s - WINDOW_S)
    not_old = sum(1 for at_s, _ in observed if at_s > now_s - WINDOW_S * 21 / 20 - 1e-6)
    assert young <= window.count(now_s) <= not_old


def test_the_three_windows_forget_at_their_own_times() -> None:
    """One observation leaves the minute, then the five minutes, then the hour."""
    series = Series()
    series.add(100.0, 0.0)
    counts = {
        now_s: [series.summary(span, now_s).count for span in Span]
        for now_s in (59.0, 64.0, 299.0, 316.0, 3599.0, 3781.0)
    }
    assert counts == {
        59.0: [1, 1, 1],
        64.0: [0, 1, 1],
        299.0: [0, 1, 1],
        316.0: [0, 0, 1],
        3599.0: [0, 0, 1],
        3781.0: [0, 0, 0],
    }


def test_memory_does_not_grow_with_observations() -> None:
    """A hundred thousand observations over two hours keep the arrays that were made at first."""
    window = SlidingHistogram(WINDOW_S)
    before = window._buckets.nbytes
    for number in range(100_000):
        window.add(number % 700, number * 0.072)
    assert window._buckets.nbytes == before
    assert len(window._sums) == 21


def test_json_has_the_hour_and_each_window() -> None:
    """`/stats` shows the figures of the last hour at the top and all windows by name."""
    series = Series()
    series.add(10.0, 1.0)
    series.add(20.0, 200.0)
    told = series.plain(200.0)
    assert told["count"] == 2
    assert told["mean"] == 15.0
    assert isinstance(told["windows"], dict)
    assert {name: window["count"] for name, window in told["windows"].items()} == {
        "1m": 1,
        "5m": 2,
        "60m": 2,
    }
