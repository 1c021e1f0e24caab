"""The measuring means of the browser tests, measured themselves."""

from __future__ import annotations

import numpy as np

from tests.browser.signals import audible_spans_ms, chirped_words, find, sweep, to_rate


def test_a_signal_is_found_where_it_was_put() -> None:
    words = chirped_words(16000, 1.0)
    match = find(words, np.concatenate([np.zeros(777), 0.3 * words]))
    assert match.lag_samples == 777
    assert match.correlation > 0.999


def test_a_signal_that_begins_between_two_samples_is_found_whole() -> None:
    words = chirped_words(48000, 1.0)
    shifted = np.concatenate([np.zeros(3001), words])
    assert find(to_rate(words, 48000, 16000), to_rate(shifted, 48000, 16000)).correlation > 0.999


def test_another_signal_is_not_taken_for_it() -> None:
    assert abs(find(sweep(16000, 1.0), chirped_words(16000, 1.0)).correlation) < 0.5


def test_a_gap_of_20_ms_makes_two_spans() -> None:
    tone = sweep(16000, 1.0)
    tone[8000:8320] = 0
    assert len(audible_spans_ms(tone, 16000)) == 2
    assert len(audible_spans_ms(sweep(16000, 1.0), 16000)) == 1
