"""benchmarks/truncation.py: what counts as within one word."""

from benchmarks.truncation import Spoken, Trial, summarise, word_ends


def test_one_word_off_is_within_and_two_are_not() -> None:
    """And what was kept must be the answer's own beginning."""
    figures = summarise(
        [
            Trial(0, 3, 3, True),
            Trial(0, 3, 4, True),
            Trial(0, 3, 2, True),
            Trial(0, 3, 5, True),
            Trial(0, 3, 3, False),
        ]
    )
    assert figures["truncations"] == 5
    assert figures["within_one_word"] == 3
    assert figures["exact"] == 2
    assert figures["words_off"] == {"-1": 1, "0": 2, "1": 1, "2": 1}


def test_words_end_where_their_sentence_began_in_the_sound() -> None:
    """In order, each behind the beginning of its sentence."""
    spoken = Spoken("item", [("According to Prices,", 0), ("A ticket costs 12 euros.", 40_000)])
    ends = word_ends(spoken)
    assert len(ends) == len(spoken.words) == 8
    assert ends == sorted(ends)
    assert ends[2] < 40_000 < ends[3]
