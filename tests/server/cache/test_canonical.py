"""server/cache/canonical.py: wordings that differ in nothing that is searched are one question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wordings import wordings
from server.cache.canonical import canonical_question

SAME = "what does a day ticket cost?"


@pytest.mark.parametrize(
    "text",
    [
        *wordings("what does a day ticket cost"),
        "  What does a  DAY ticket cost ?? ",
        "Hey, what does a day ticket cost?",
        "um, could you please tell me what does a day ticket, uh, cost please",
    ],
)
def test_the_same_question(text: str) -> None:
    """Case, space, marks, hesitations and politeness change nothing."""
    assert canonical_question(text) == SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("does the boat go at 9:15", "does the boat go at 915"),
        ("is the water well deep", "is the water deep"),
        ("who can tell me about birds", "who about birds"),
        ("may dogs come", "may no dogs come"),
        ("where is the ER", "where is the"),
        ("is it co-op land", "is it coop land"),
    ],
)
def test_different_questions_stay_different(one: str, other: str) -> None:
    """A word that may carry meaning is never dropped."""
    assert canonical_question(one) != canonical_question(other)


@pytest.mark.parametrize("text", ["", "   ", "um", "please", "?", "tell me"])
def test_nothing_but_such_words_is_kept(text: str) -> None:
    """There is always something left to search, unless there was nothing."""
    assert bool(canonical_question(text)) == bool(text.strip())


@given(st.text(max_size=60))
def test_it_is_its_own_canonical_form(text: str) -> None:
    """The answer stage makes the key of what the search stage returned."""
    once = canonical_question(text)
    assert canonical_question(once) == once
