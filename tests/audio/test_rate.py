"""Which sample rates are accepted."""

from __future__ import annotations

import pytest

from audio.rate import RateError, check_rate, is_accepted_rate


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100, 96_000])
def test_rates_in_range_are_accepted(rate_hz: int) -> None:
    assert check_rate(rate_hz) == rate_hz


@pytest.mark.parametrize("rate_hz", [0, -16_000, 7_999, 96_001, True])
def test_a_refused_rate_is_named_with_what_is_accepted(rate_hz: int) -> None:
    with pytest.raises(RateError, match=f"{rate_hz}.*8000 to 96000 Hz"):
        check_rate(rate_hz)


@pytest.mark.parametrize("value", [16000.0, "16000", None, float("nan"), [16000]])
def test_what_is_no_whole_number_is_no_rate(value: object) -> None:
    assert not is_accepted_rate(value)
