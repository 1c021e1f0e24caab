"""server/heard.py: what was heard of an answer, to the word."""

from hypothesis import given
from hypothesis import strategies as st

from server.heard import HeardWords


def make() -> HeardWords:
    heard = HeardWords()
    heard.add("One two three four.", 1000)
    heard.add("Five six seven.", 1000)
    return heard


def test_whole_sentences_and_then_words() -> None:
    """After one sentence and a half: its first words, no half word."""
    assert make().text(0) == ""
    assert make().text(1000) == "One two three four."
    assert make().text(1600) == "One two three four. Five six"
    assert make().text(9999) == "One two three four. Five six seven."


@given(st.integers(0, 2500), st.integers(0, 2500))
def test_more_sound_never_means_fewer_words(first: int, second: int) -> None:
    """What is heard only grows, and is always a beginning of the whole."""
    less, more = sorted((first, second))
    assert make().text(more).startswith(make().text(less))
    assert make().text(10_000).startswith(make().text(more))
