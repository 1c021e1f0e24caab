"""Which sample rates are accepted, and the one error that says so. Converts nothing."""

from __future__ import annotations

from typing import Final

MINIMUM_RATE_HZ: Final = 8_000
MAXIMUM_RATE_HZ: Final = 96_000
ACCEPTED_RATES: Final = f"any whole rate from {MINIMUM_RATE_HZ} to {MAXIMUM_RATE_HZ} Hz"


class RateError(ValueError):
    """A sample rate that Parley does not take; the message lists what it does."""

    def __init__(self, rate_hz: object) -> None:
        super().__init__(f"{rate_hz!r} is not an accepted sample rate. Accepted: {ACCEPTED_RATES}.")


def is_accepted_rate(rate_hz: object) -> bool:
    """False for anything but a whole number in range, so a value may come straight from JSON."""
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int):
        return False
    return MINIMUM_RATE_HZ <= rate_hz <= MAXIMUM_RATE_HZ


def check_rate(rate_hz: int) -> int:
    """Its argument. Raises RateError where is_accepted_rate is false."""
    if not is_accepted_rate(rate_hz):
        raise RateError(rate_hz)
    return rate_hz
