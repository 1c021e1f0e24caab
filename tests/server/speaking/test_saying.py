"""server/speaking/saying.py: the first piece is short, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from server.speaking.saying import pieces_of

LONG = "According to the visitor's guide, the last boat on a Sunday comes back at five."


def test_a_long_first_sentence_begins_with_its_clause() -> None:
    """What is heard first is made first."""
    first, second, third = pieces_of(f"{LONG} It fills up early.", 1200)
    assert first == "According to the visitor's guide,"
    assert f"{first} {second}" == LONG
    assert third == "It fills up early."


def test_short_and_later_sentences_stay_whole() -> None:
    """Only the first sentence is worth cutting."""
    assert pieces_of("It costs four euros.", 1200) == ["It costs four euros."]
    assert pieces_of(f"Yes. {LONG}", 1200) == ["Yes.", LONG]


def test_the_limit_holds_and_nothing_is_nothing() -> None:
    """An endless answer is cut; an empty one has no pieces."""
    assert sum(map(len, pieces_of("word " * 1000, 200))) <= 200
    assert pieces_of("  ", 1200) == []


@given(st.text(max_size=300))
def test_no_word_is_lost(text: str) -> None:
    """The pieces hold the words of the text in order."""
    assert " ".join(pieces_of(text, 1200)).split() == text.split()
