import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.answering.cutting import Cutter, Spoken

ANSWER = (
    "<think>P1 says so [P9].</think>\n\nA day ticket costs twelve euros [P1]. Children under six "
    "travel free. [P1, P2] Ask Dr. Smith【P3】."
)
WHOLE = [
    Spoken("A day ticket costs twelve euros.", (0,), "A day ticket costs twelve euros."),
    Spoken("Children under six travel free.", (0, 1), "Children under six travel free."),
    Spoken("Ask Dr. Smith.", (2,), "Ask Dr. Smith."),
]


def cut(chunks: list[str]) -> list[Spoken]:
    cutter = Cutter()
    return [piece for chunk in chunks for piece in cutter.feed(chunk)] + cutter.end()


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_sentences_with_what_they_cite(size: int) -> None:
    """However the stream was cut: marks before or after the stop, no thoughts, nothing unspoken."""
    assert cut([ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]) == WHOLE


def test_a_sentence_is_told_when_the_next_one_begins() -> None:
    """Not before, for a citation may follow its stop; and not only at the end."""
    cutter = Cutter()
    assert cutter.feed("A day ticket costs twelve euros. [P") == []
    assert cutter.feed("1] C") == [WHOLE[0]]


def test_a_long_first_sentence_begins_with_a_clause() -> None:
    """Sound starts sooner; the citation is of the whole sentence."""
    cutter = Cutter()
    head = "According to the guide of the island,"
    rest = "the boat leaves the quay at nine fifteen [P2]."
    assert cutter.feed(f"{head} {rest[:-8]}") == [Spoken(head)]
    cutter.feed(rest[-8:])
    said = rest.replace(" [P2]", "")
    assert cutter.end() == [Spoken(said, (1,), f"{head} {said}")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", []),
        ("   ", []),
        ("[P1]", []),
        ("<think>for ever", []),
        ("see [the map] there", ["see [the map] there"]),
        ("x [P", ["x [P"]),
    ],
)
def test_the_odd_ones(text: str, said: list[str]) -> None:
    """Nothing comes of nothing, and brackets that cite nothing stay."""
    assert [piece.text for piece in cut([text])] == said


@given(st.lists(st.text("ab. [P1],<think>/\n", max_size=12), max_size=12))
def test_any_stream_is_cut_to_pieces(chunks: list[str]) -> None:
    """No piece is blank, and how the stream was cut changes no word but those of a first clause."""
    pieces = cut(chunks)
    assert all(piece.text.strip() for piece in pieces)
    whole = cut(["".join(chunks)])
    assert " ".join(p.text for p in pieces).split() == " ".join(p.text for p in whole).split()
