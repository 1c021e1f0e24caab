"""Characters that no voice may be given are gone, all others stay."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.unspeakable import without_unspeakable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 5 km!", "plain text, 5 km!"),
        ("a\x00b\x07c\x1bd", "abcd"),
        ("lone \ud800surrogate\udfff", "lone surrogate"),
        ("\u202eevil\u202c \u2066bidi\u2069", "evil bidi"),
        ("zero\u200bwidth\u200d\ufeff\u00ad", "zerowidth"),
        ("\U0001f600 \U0001f44d\U0001f3fb 1\ufe0f\u20e3", "  1"),
        ("filler\u3164\u115f", "filler"),
        ("line\r\nnext\rlast\u2028end", "line\nnext\nlast\nend"),
        ("no\u00a0break\tand\u2009thin", "no break and thin"),
        ("naïve 5 °C €2 “so”", "naïve 5 °C €2 “so”"),
    ],
)
def test_only_what_cannot_be_spoken_is_removed(text: str, expected: str) -> None:
    assert without_unspeakable(text) == expected


@given(st.text(st.characters(codec=None)))
def test_the_result_can_always_be_encoded_and_has_no_control_character(text: str) -> None:
    cleaned = without_unspeakable(text)
    cleaned.encode("utf-8")
    assert without_unspeakable(cleaned) == cleaned
    assert not {unicodedata.category(c) for c in cleaned if c != "\n"} & {"Cc", "Cf", "Cs", "Co"}
