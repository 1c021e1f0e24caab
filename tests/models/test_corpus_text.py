"""Written text as the words a person says."""

import pytest

from models.corpus_text import sentences_of, spoken_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Opens at 9 a.m. and 5:30 pm", "opens at nine a.m. and five thirty p.m."),
        ("at 17:05", "at five oh five"),
        ("at 09:00", "at nine"),
        ("It costs $12.50 or £1", "it costs twelve dollars fifty or one pound"),
        ("only £0.80", "only eighty pence"),
        ("€2,500", "two thousand five hundred euros"),
        (
            "built in 1893, restored 2006",
            "built in eighteen ninety three restored two thousand and six",
        ),
        ("the 3rd and 21st", "the third and twenty first"),
        ("1.8 km, 27 °C, 40%", "one point eight kilometres twenty seven degrees forty percent"),
        ("call 555-0142", "call five five five zero one four two"),
        ("code 007", "code zero zero seven"),
        ("1,250 steps", "one thousand two hundred and fifty steps"),
        ("café naïve", "cafe naive"),
        ("the keeper’s gluten-free bread", "the keeper's gluten free bread"),
        ("Mr. Smith & Mrs. Jones", "mister smith and missus jones"),
        ("", ""),
        ("!? — …", ""),
    ],
)
def test_written_form_becomes_spoken_words(written: str, said: str) -> None:
    """Speech has no digits, signs or accents."""
    assert " ".join(spoken_words(written)) == said


def test_text_is_cut_where_a_speaker_would_stop() -> None:
    """Sentences, headings and list items are apart; a wrapped line and a clock time are not."""
    text = "Opening hours\n\nWe open at 9:30 a.m. on\nweekdays. Bring:\n- boots\n- a torch"
    assert [" ".join(words) for words in sentences_of(text)] == [
        "opening hours",
        "we open at nine thirty a.m. on weekdays",
        "bring",
        "boots",
        "a torch",
    ]


@pytest.mark.parametrize("text", ["\x00\ud800", "9" * 400, "$" * 50, "1:2:3.4.5-6", "½ ² ٣"])
def test_odd_text_is_no_error(text: str) -> None:
    """Anything that documents contain gives words or none, and only plain ones."""
    for word in spoken_words(text):
        assert word.isascii()
        assert word == word.lower()
