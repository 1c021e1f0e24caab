"""Sentences end where a reader would stop."""

import pytest

from rag.sentences import MAXIMUM_SENTENCE_WORDS, split_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four…", ["One.", "Two!", "Three?", "Four…"]),
        ("Open from 9.30 a.m. to 5 p.m. daily.", ["Open from 9.30 a.m. to 5 p.m. daily."]),
        ("Until 9.30 a.m. The last one leaves.", ["Until 9.30 a.m.", "The last one leaves."]),
        ("At 9 a.m. Monday it opens.", ["At 9 a.m. Monday it opens."]),
        ("Ask Dr. Smith or Mrs. Jones.", ["Ask Dr. Smith or Mrs. Jones."]),
        ("J. S. Bach wrote it. He did.", ["J. S. Bach wrote it.", "He did."]),
        ("It costs 3.50 euros. Pay here.", ["It costs 3.50 euros.", "Pay here."]),
        ("Take bus No. 7 to town.", ["Take bus No. 7 to town."]),
        ("Is it open? No. It is shut.", ["Is it open?", "No.", "It is shut."]),
        ("1. Open the door. 2. Go in.", ["1. Open the door.", "2. Go in."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Bring water, fruit, etc. for lunch.", ["Bring water, fruit, etc. for lunch."]),
        ("It was me and I. Nobody else.", ["It was me and I.", "Nobody else."]),
        ("Visit example.org. or not.", ["Visit example.org. or not."]),
        ("  spaces \n and\tlines  ", ["spaces and lines"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_at_end_marks_only(text: str, expected: list[str]) -> None:
    """Abbreviations, initials, decimals, times and list numbers end nothing."""
    assert split_sentences(text) == expected


def test_endless_run_is_cut_at_a_clause() -> None:
    """Text without end marks gives pieces of bounded length, cut after a comma."""
    run = " ".join(f"word{number}" + ("," if number % 50 == 49 else "") for number in range(300))
    pieces = split_sentences(run)
    assert " ".join(pieces) == run
    assert all(len(piece.split()) <= MAXIMUM_SENTENCE_WORDS for piece in pieces)
    assert pieces[0].endswith(",")
