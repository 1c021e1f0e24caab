"""server/endpointing.py: the wait depends on how complete the words look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.endpointing import Reason, WaitLimits, wait_for

LIMITS = WaitLimits(300, 900)


@pytest.mark.parametrize(
    ("transcript", "confidence", "reason"),
    [
        ("", 0.0, Reason.NOTHING_UNDERSTOOD),
        ("the price of", 0.9, Reason.OPEN_CLAUSE),
        ("what is the price of the", 0.9, Reason.OPEN_CLAUSE),
        ("how much does it cost and", 0.9, Reason.OPEN_CLAUSE),
        ("when does the um", 0.9, Reason.FILLER),
        ("my number is five five two", 0.2, Reason.NUMBER),
        ("lighthouse", 0.2, Reason.FRAGMENT),
        ("tickets please for children", 0.5, Reason.SENTENCE),
        ("what time does the boat leave", 0.5, Reason.QUESTION),
        ("what time does the boat leave", 0.95, Reason.ANSWERABLE_QUESTION),
        ("where does the boat to the island leave from", 0.95, Reason.ANSWERABLE_QUESTION),
        ("where does the boat to the island leave from", 0.3, Reason.OPEN_CLAUSE),
    ],
)
def test_each_kind_of_ending_has_its_reason(
    transcript: str, confidence: float, reason: Reason
) -> None:
    """An open clause, a filler, a number being dictated, a fragment, a sentence, a question."""
    assert wait_for(transcript, confidence, LIMITS).reason is reason


def test_open_waits_longest_and_answerable_shortest() -> None:
    """900 ms after "the price of", 300 ms after a question whose answer is known."""
    assert wait_for("the price of", 0.9, LIMITS).silence_ms == 900
    assert wait_for("what time does the boat leave", 0.9, LIMITS).silence_ms == 300


@given(st.text(max_size=60), st.floats(0, 1))
def test_every_wait_is_within_the_limits(transcript: str, confidence: float) -> None:
    """Whatever was heard."""
    assert 300 <= wait_for(transcript, confidence, LIMITS).silence_ms <= 900
