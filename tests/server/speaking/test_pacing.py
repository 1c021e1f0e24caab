"""server/speaking/pacing.py: never more than the lead ahead of the client's ears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.speaking.pacing import Pacer

RATE_HZ = 1000


def test_the_lead_leaves_at_once_then_real_time() -> None:
    """400 ms may leave at once; the next 100 ms wait 100 ms."""
    pacer = Pacer(400, RATE_HZ)
    for _ in range(4):
        assert pacer.wait_s(100, 0.0) == 0.0
        pacer.sent(100, 0.0)
    assert pacer.wait_s(100, 0.0) == pytest.approx(0.1)
    assert pacer.wait_s(100, 0.1) == pytest.approx(0.0)


def test_a_gap_in_the_supply_starts_the_clock_anew() -> None:
    """After a late sentence the lead is not a debt to be paid back in a burst."""
    pacer = Pacer(400, RATE_HZ)
    pacer.sent(100, 0.0)
    pacer.sent(100, 5.0)
    assert pacer.unplayed_s(5.0) == pytest.approx(0.1)
    assert pacer.wait_s(400, 5.0) == pytest.approx(0.1)


def test_nothing_sent_is_nothing_unplayed() -> None:
    """Before the first chunk there is no clock."""
    assert Pacer(400, RATE_HZ).unplayed_s(3.0) == 0.0


@given(st.lists(st.tuples(st.integers(1, 300), st.floats(0, 0.5)), min_size=1, max_size=60))
def test_obeying_it_never_exceeds_the_lead(chunks: list[tuple[int, float]]) -> None:
    """Whatever the chunks and delays, what is ahead stays within lead plus one chunk."""
    pacer, now_s = Pacer(400, RATE_HZ), 0.0
    for samples, delay_s in chunks:
        now_s += delay_s
        now_s += pacer.wait_s(samples, now_s)
        pacer.sent(samples, now_s)
        assert pacer.unplayed_s(now_s) <= max(0.4, samples / RATE_HZ) + 1e-6
