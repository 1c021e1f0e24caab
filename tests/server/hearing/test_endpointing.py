"""server/hearing/endpointing.py: the wait depends on the words and on how they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.endpoint import Delivery
from server.hearing.endpointing import Heard, Reason, WaitLimits, wait_for

LIMITS = WaitLimits(250, 900)
LONG = Delivery(4000)


@pytest.mark.parametrize(
    ("transcript", "confidence", "reason"),
    [
        ("", 0.0, Reason.NOTHING_UNDERSTOOD),
        ("what time does they", 0.9, Reason.OPEN_CLAUSE),
        ("The price of.", 0.9, Reason.OPEN_CLAUSE),
        ("The price for adults...", 0.9, Reason.OPEN_CLAUSE),
        ("The price for adults\u2026", 0.9, Reason.OPEN_CLAUSE),
        ("For two adults,", 0.9, Reason.OPEN_CLAUSE),
        ("Show me the", 0.9, Reason.OPEN_CLAUSE),
        ("Two adults and three children", 0.5, Reason.OPEN_CLAUSE),
        ("Two tickets please for children.", 0.5, Reason.SENTENCE),
        ("What is it for?", 0.5, Reason.QUESTION),
        ("And the ferry?", 0.9, Reason.ANSWERABLE_QUESTION),
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
        ("the lamp is red what should i do", 0.95, Reason.SENTENCE),
        ("the lamp is red what should i do", 0.3, Reason.OPEN_CLAUSE),
        ("who do i ask about my will", 0.3, Reason.QUESTION),
        ("do you know who will", 0.3, Reason.OPEN_CLAUSE),
    ],
)
def test_each_kind_of_ending_has_its_reason(
    transcript: str, confidence: float, reason: Reason
) -> None:
    """An open clause, a filler, a number being dictated, a fragment, a sentence, a question."""
    assert wait_for(Heard(transcript, confidence=confidence), LONG, LIMITS).reason is reason


def test_a_clause_is_open_when_either_reading_is() -> None:
    """A finished sentence is asked to end well; the words before that are heard for themselves."""
    heard = Heard("what is it cost", unfinished="what is the cost of the")
    assert wait_for(heard, LONG, LIMITS).reason is Reason.OPEN_CLAUSE
    assert wait_for(Heard("what is it cost"), LONG, LIMITS).reason is Reason.QUESTION


@pytest.mark.parametrize("text", ["can i get a coffee", "two coffees for us", "lighthouse"])
def test_little_said_so_far_waits_longer(text: str) -> None:
    """More is to be expected, less and less with every quarter of a second."""
    waits = [
        wait_for(Heard(text), Delivery(speech_ms), LIMITS).silence_ms
        for speech_ms in (500, 1750, 2000, 2250, 2500, 9000)
    ]
    assert waits[0] == waits[1] == 705
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] == wait_for(Heard(text), LONG, LIMITS).silence_ms


def test_the_surer_the_answer_the_less_it_matters_that_little_was_said() -> None:
    """A short question that the documents answer is whole."""
    waits = [
        wait_for(Heard("how much is a ticket", confidence=sure), Delivery(900), LIMITS)
        for sure in (0.0, 0.4, 0.79, 0.8)
    ]
    lengths = [wait.silence_ms for wait in waits]
    assert lengths == sorted(lengths, reverse=True)
    assert waits[0].reason is Reason.BRIEF
    assert waits[-1].reason is Reason.ANSWERABLE_QUESTION


def test_who_pauses_is_waited_for_longer_than_they_paused() -> None:
    """A fifth longer than the longest pause so far, and never beyond the longest wait."""
    told = [
        wait_for(Heard("two coffees for us"), Delivery(4000, pause_ms), LIMITS)
        for pause_ms in (0, 100, 400, 2000)
    ]
    assert [wait.silence_ms for wait in told] == [282, 282, 480, 900]
    assert told[2].reason is Reason.OWN_PAUSES


def test_open_waits_longest_and_answerable_shortest() -> None:
    """900 ms after "the price of", 250 ms after a question whose answer is known."""
    assert wait_for(Heard("the price of", confidence=0.9), LONG, LIMITS).silence_ms == 900
    assert (
        wait_for(Heard("what time does the boat leave", confidence=0.9), LONG, LIMITS).silence_ms
        == 250
    )


@given(
    st.text(max_size=60),
    st.text(max_size=60),
    st.floats(0, 1),
    st.integers(0, 30_000),
    st.integers(0, 30_000),
)
def test_every_wait_is_within_the_limits(
    text: str, unfinished: str, confidence: float, speech_ms: int, pause_ms: int
) -> None:
    """Whatever was heard, and however."""
    heard = Heard(text, unfinished, confidence)
    assert 250 <= wait_for(heard, Delivery(speech_ms, pause_ms), LIMITS).silence_ms <= 900
