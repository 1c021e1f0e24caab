"""Sentences come out whole, in order, and short enough to be spoken one at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sentences import LONGEST_SENTENCE_CHARACTERS, first_clause, split_sentences
from tests.models.test_speakable import TEXTS


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(10, 400))
def test_no_word_is_lost_and_no_sentence_is_empty(text: str, longest: int) -> None:
    sentences = split_sentences(text, longest)
    assert " ".join(sentences).split() == text.split()
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)
    assert all(len(s) <= longest for s in sentences if len(s.split()) > 1)


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith met Mr. J. R. R. Tolkien, e.g. at No. 5 St. Mary's.",
        "It costs 3.14 euros at 9.30 a.m. on 5 Jan. 2024.",
        "It opens at 9 a.m. Monday and John F. Kennedy came.",
        "The U.S. ship, i.e. the old one, sank.",
        '"Is it?" she asked.',
        "Visit example.org or mail info@example.org.",
        "approx. 5 km, see fig. 3 and p. 12.",
    ],
)
def test_a_stop_inside_a_sentence_does_not_end_it(sentence: str) -> None:
    assert split_sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Wait... Then go.", ["Wait...", "Then go."]),
        ('He said "go." She went.', ['He said "go."', "She went."]),
        ("It closes at 5 p.m. The cafe stays.", ["It closes at 5 p.m.", "The cafe stays."]),
        ("Take vitamin C. It helps.", ["Take vitamin C.", "It helps."]),
        ("It has 12. They have 5.", ["It has 12.", "They have 5."]),
        ("We said no. They left.", ["We said no.", "They left."]),
        ("A title\n\nSome text", ["A title", "Some text"]),
        ("- one\n- two\n1. three", ["- one", "- two", "1. three"]),
        ("soft\nwrap", ["soft\nwrap"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_an_endless_sentence_is_cut_at_its_clauses() -> None:
    pieces = split_sentences("the ferry leaves from the old pier, " * 40)
    assert len(pieces) > 3
    assert all(len(piece) <= LONGEST_SENTENCE_CHARACTERS for piece in pieces)
    assert all(piece.endswith("pier,") for piece in pieces)


def test_one_endless_word_stays_whole() -> None:
    assert split_sentences("a" * 1000 + " end") == ["a" * 1000, "end"]


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        (
            "The ferry leaves from the old pier, which lies behind the fish market.",
            ("The ferry leaves from the old pier,", "which lies behind the fish market."),
        ),
        ("In short, the ferry leaves soon.", ("In short, the ferry leaves soon.", "")),
        (
            "The ferry leaves from the old pier, of course.",
            ("The ferry leaves from the old pier, of course.", ""),
        ),
        ("No clause in this one at all.", ("No clause in this one at all.", "")),
    ],
)
def test_the_first_clause_is_cut_off_only_when_both_parts_are_worth_it(
    sentence: str, clauses: tuple[str, str]
) -> None:
    assert first_clause(sentence) == clauses
