"""What a question asks for is told by its words alone."""

import pytest

from rag.asked import AskedFor, asked_for, has_what_is_asked


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("how early should i turn up", AskedFor.FIGURE),
        ("When was the tower built?", AskedFor.FIGURE),
        ("who won in which year", AskedFor.FIGURE),
        ("whose voice is on the guide", AskedFor.NAME),
        ("What is (are) Hairy tongue ?", AskedFor.DEFINITION),
        ("what is a twin prime", AskedFor.DEFINITION),
        ("what is the capital of france", AskedFor.ANYTHING),
        ("what is it", AskedFor.ANYTHING),
        ("what is lost in the fire", AskedFor.ANYTHING),
        ("why is the whenever list empty", AskedFor.ANYTHING),
        ("", AskedFor.ANYTHING),
    ],
)
def test_questions_ask_for_one_kind(question: str, wanted: AskedFor) -> None:
    """With or without capitals and marks."""
    assert asked_for(question) is wanted


@pytest.mark.parametrize(
    ("wanted", "sentence", "has"),
    [
        (AskedFor.FIGURE, "It costs £3.", True),
        (AskedFor.FIGURE, "Come twenty minutes before.", True),
        (AskedFor.FIGURE, "It was someone's.", False),
        (AskedFor.NAME, "Write to Delphine Ashby.", True),
        (AskedFor.NAME, "Visitors write first.", False),
        (AskedFor.DEFINITION, "A twin prime is a prime beside another one.", True),
        (AskedFor.DEFINITION, "Twin primes grow rare.", False),
        (AskedFor.ANYTHING, "It costs Delphine £3.", False),
    ],
)
def test_sentences_have_it_or_not(wanted: AskedFor, sentence: str, has: bool) -> None:
    """A capital at the start of a sentence is no name, and a number may be a word."""
    assert has_what_is_asked(wanted, sentence) is has
