"""Word errors count what a listener would, not how a recogniser writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wer import normalise, word_error_rate, word_errors

WORDS = st.lists(st.sampled_from(["boat", "island", "tower", "lamp"]), max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("What time, please?", "what time please"),
        ("What's the keepers’ code", "whats the keepers code"),
        ("5:15 p.m. on Sundays", "five fifteen pm on sundays"),
        ("at 9 a m or 9 am or 9 A.M.", "at nine am or nine am or nine am"),
        ("at 10:00 and 9:05", "at ten and nine oh five"),
        ("six o'clock, 6 o clock, 6 oclock", "six oclock six oclock six oclock"),
        ("164 steps", "one hundred sixty four steps"),
        ("one hundred and sixty-four steps", "one hundred sixty four steps"),
        ("a hundred and a dog and 2", "a hundred and a dog and two"),
        ("lit in 1862", "lit in eighteen sixty two"),
        ("1,400 puffins", "one thousand four hundred puffins"),
        ("£14.50 or $8 or £6.05", "fourteen pounds fifty or eight dollars or six pounds five"),
        ("£310,000", "three hundred ten thousand pounds"),
        ("20% or 20 per cent", "twenty percent or twenty percent"),
        ("1.1 metres", "one point one meters"),
        ("the 1st of 22nd", "the first of twenty second"),
        ("0555 0148", "zero five five five zero one four eight"),
        ("the café in the harbour", "the cafe in the harbor"),
        ("I am a man", "i am a man"),
        ("1" * 16 + "th", "one " * 16 + "th"),
        (" ... ", ""),
    ],
)
def test_normalise_writes_what_is_said(written: str, said: str) -> None:
    """Numbers, times, money and marks come out as plain words."""
    assert normalise(written) == said


@pytest.mark.parametrize("text", ["P:M", "p m", "p.m.", "pm", "P.M"])
def test_half_days_are_one_word_however_they_are_written(text: str) -> None:
    """Found by hypothesis: a second pass joined what the first had left apart."""
    assert normalise(text) == "pm"


@given(st.text())
def test_normalise_takes_any_text_and_is_stable(text: str) -> None:
    """Words of a to z with single spaces, which a second pass leaves as they are."""
    said = normalise(text)
    assert all(word.isascii() and word.isalpha() for word in said.split(" ")) or said == ""
    assert normalise(said) == said


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counted"),
    [
        ("the last boat", "The last boat.", (0, 3)),
        ("the last boat", "the lost boat", (1, 3)),
        ("the last boat", "the boat", (1, 3)),
        ("the last boat", "is the last boat", (1, 3)),
        ("the last boat", "", (3, 3)),
        ("", "hello there", (2, 0)),
        ("", "", (0, 0)),
        ("a b c d e", "b c d e a", (2, 5)),
        ("it is 5 pm", "it is five p.m.", (0, 4)),
    ],
)
def test_word_errors_counts_the_fewest_edits(
    reference: str, hypothesis: str, counted: tuple[int, int]
) -> None:
    """A substitution, an insertion and a deletion each cost one."""
    assert word_errors(reference, hypothesis) == counted


@given(WORDS, WORDS)
def test_word_errors_are_symmetric_and_bounded(first: str, second: str) -> None:
    """Never more than the longer text, never less than the difference in length."""
    errors, words = word_errors(first, second)
    other_words = len(second.split())
    assert errors == word_errors(second, first)[0]
    assert abs(words - other_words) <= errors <= max(words, other_words)
    assert (errors == 0) == (first == second)


def test_word_error_rate_weighs_by_words() -> None:
    """A long utterance counts for more than a short one; nothing said is no error."""
    assert word_error_rate([("a b c d e f g h i", "a b c d e f g h i"), ("j", "k")]) == 0.1
    assert word_error_rate([]) == 0.0
