"""server/hearing/interruption.py: which speech into an answer ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hearing.interruption import Interruption, classify, is_order_to_stop

SAID = "The last boat comes back at a quarter past five on Sundays."


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("", Interruption.NOTHING),
        ("...", Interruption.NOTHING),
        ("yeah", Interruption.BACKCHANNEL),
        ("uh-huh", Interruption.BACKCHANNEL),
        ("okay i see", Interruption.BACKCHANNEL),
        ("m m h and m", Interruption.BACKCHANNEL),
        ("a", Interruption.BACKCHANNEL),
        ("the last boat comes back", Interruption.ECHO),
        ("last vote comes back at a quarter", Interruption.ECHO),
        ("a quarter past five on sundays", Interruption.ECHO),
        ("but", Interruption.FRAGMENT),
        ("the hut", Interruption.FRAGMENT),
        ("the museum is shut", Interruption.QUESTION),
        ("what", Interruption.QUESTION),
        ("what about saturdays", Interruption.QUESTION),
        ("stop", Interruption.STOP),
        ("wait a minute", Interruption.STOP),
        ("stop the lamp how", Interruption.QUESTION),
        ("no i meant the first boat of the morning", Interruption.QUESTION),
        ("yes but how much is it for children", Interruption.QUESTION),
        ("when does the shop open on sundays", Interruption.QUESTION),
    ],
)
def test_only_a_question_or_an_order_ends_the_answer(heard: str, kind: Interruption) -> None:
    """Agreement, the answer's own words (misheard in places) and noise do not."""
    assert classify(heard, SAID) is kind


@pytest.mark.parametrize(
    "heard",
    [
        "Stop!",
        "stop please",
        "okay please stop",
        "stop stop stop",
        "stop talking now",
        "be quiet",
        "never mind",
        "nevermind, thanks",
        "oh forget it",
        "cancel that",
        "that's enough thank you",
        "hold on",
        "hold on a second",
        "no wait",
        "wait wait",
        "just a moment",
        "one moment please",
        "shut up",
    ],
)
def test_an_order_to_stop_is_known_in_its_usual_forms(heard: str) -> None:
    """Politely, twice, with what people put around it."""
    assert is_order_to_stop(heard)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "please",
        "no",
        "okay thanks",
        "a moment",
        "stop the lamp how",
        "how do i stop it",
        "where does the bus stop",
        "the stop",
        "wait where is it",
        "cancel my ticket",
        "when are quiet hours",
        "enough tickets",
        "stop now where is the car park",
    ],
)
def test_whatever_says_more_is_no_order_to_stop(heard: str) -> None:
    """Only the whole utterance counts: each of these is asked, or judged otherwise."""
    assert not is_order_to_stop(heard)


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_text_is_judged(heard: str, said: str) -> None:
    """Never an error."""
    assert classify(heard, said) in Interruption


@given(st.lists(st.sampled_from(SAID.lower().split()), min_size=2, max_size=8))
def test_judging_does_not_depend_on_case_or_punctuation(words: list[str]) -> None:
    """The recogniser writes lower case without commas; the answer does not."""
    heard = " ".join(words)
    assert classify(heard.upper(), SAID) is classify(heard, SAID)
