"""server/speaking/heard.py: what was heard of an answer, to the word."""

from hypothesis import given
from hypothesis import strategies as st

from server.speaking.heard import HeardWords


def make() -> HeardWords:
    heard = HeardWords()
    heard.add("One two three four.", 1000)
    heard.add("Five six seven.", 1000, (100, 800, 900))
    return heard


def test_whole_sentences_and_then_words() -> None:
    """After one sentence and a half: the words that are over, no half word."""
    assert make().text(0) == ""
    assert make().text(500) == "One two"
    assert make().text(1000) == "One two three four."
    assert make().text(1600) == "One two three four. Five"
    assert make().text(1900) == "One two three four. Five six seven."


def test_ends_that_do_not_fit_the_words_are_estimated() -> None:
    """A voice that tells of three words where two are written tells nothing."""
    heard = HeardWords()
    heard.add("One two", 1000, (1, 2, 3))
    assert heard.text(999) == "One"


def test_ends_of_the_last_sentence_count_from_the_start_of_the_answer() -> None:
    """What a client lights its words by."""
    assert make().last_ends == (1100, 1800, 1900)
    assert HeardWords().last_ends == ()


def test_words_of_a_stretch_are_those_that_end_in_it() -> None:
    """For knowing an echo by what was said lately."""
    assert make().between(1000, 1850) == "Five six"


@given(st.integers(0, 2500), st.integers(0, 2500))
def test_more_sound_never_means_fewer_words(first: int, second: int) -> None:
    """What is heard only grows, and is always a beginning of the whole."""
    less, more = sorted((first, second))
    assert make().text(more).startswith(make().text(less))
    assert make().text(10_000).startswith(make().text(more))
