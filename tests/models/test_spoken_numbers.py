"""Numbers have the names that an English speaker gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spoken_numbers import (
    cardinal,
    decade_name,
    digits_apart,
    ordinal,
    spoken_number,
    year_name,
)

# fmt: off
_VALUES = {
    word: value for value, word in enumerate((
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
        "nineteen",
    ))
} | {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}
# fmt: on
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def _heard(words: str) -> int:
    """What a listener adds up."""
    total = group = 0
    for word in words.split():
        if word == "hundred":
            group *= 100
        elif word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        elif word != "and":
            group += _VALUES[word]
    return total + group


@given(st.one_of(st.integers(0, 3000), st.integers(0, 10**15 - 1)))
def test_every_cardinal_is_heard_as_the_number_it_was(number: int) -> None:
    assert _heard(cardinal(number)) == number


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety nine"),
        (206, "two hundred and six"),
        (1006, "one thousand and six"),
        (12_000_340, "twelve million three hundred and forty"),
    ],
)
def test_cardinals_read_as_in_speech(number: int, words: str) -> None:
    assert cardinal(number) == words


@pytest.mark.parametrize("number", [-1, 10**15])
def test_numbers_without_a_name_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="only 0 to"):
        cardinal(number)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (5, "fifth"),
        (8, "eighth"),
        (9, "ninth"),
        (12, "twelfth"),
        (20, "twentieth"),
        (21, "twenty first"),
        (100, "one hundredth"),
        (1003, "one thousand and third"),
    ],
)
def test_ordinals_end_as_they_are_said(number: int, words: str) -> None:
    assert ordinal(number) == words


@pytest.mark.parametrize(
    ("year", "said"),
    [
        (1066, "ten sixty six"),
        (1887, "eighteen eighty seven"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (2000, "two thousand"),
        (2007, "two thousand and seven"),
        (2010, "twenty ten"),
        (2024, "twenty twenty four"),
    ],
)
def test_years_are_said_in_pairs(year: int, said: str) -> None:
    assert year_name(year) == said


@pytest.mark.parametrize(
    ("year", "said"), [(1880, "eighteen eighties"), (80, "eighties"), (1900, "nineteen hundreds")]
)
def test_decades_are_plural(year: int, said: str) -> None:
    assert decade_name(year) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("7", "7"),
        ("0", "0"),
        ("12.5", "12.5"),
        ("1,204", "one thousand two hundred and four"),
        ("1234.56", "one thousand two hundred and thirty four point 5 6"),
        ("007", "0 0 7"),
        ("9" * 15, cardinal(10**15 - 1)),
        ("9" * 16, digits_apart("9" * 16)),
        ("9" * 5000, digits_apart("9" * 5000)),
    ],
)
def test_short_numbers_stay_figures_and_long_ones_become_words(written: str, said: str) -> None:
    assert spoken_number(written) == said
