"""server/hearing/interruption.py: which speech into an answer ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hearing.interruption import Interruption, classify

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
        ("stop", Interruption.QUESTION),
        ("no i meant the first boat of the morning", Interruption.QUESTION),
        ("yes but how much is it for children", Interruption.QUESTION),
        ("when does the shop open on sundays", Interruption.QUESTION),
    ],
)
def test_only_a_question_ends_the_answer(heard: str, kind: Interruption) -> None:
    """Agreement, the answer's own words (misheard in places) and noise do not."""
    assert classify(heard, SAID) is kind


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_text_is_judged(heard: str, said: str) -> None:
    """Never an error."""
    assert classify(heard, said) in Interruption


@given(st.lists(st.sampled_from(SAID.lower().split()), min_size=2, max_size=8))
def test_judging_does_not_depend_on_case_or_punctuation(words: list[str]) -> None:
    """The recogniser writes lower case without commas; the answer does not."""
    heard = " ".join(words)
    assert classify(heard.upper(), SAID) is classify(heard, SAID)
