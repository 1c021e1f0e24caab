"""models/word_times.py and what espeak-ng says of its words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.espeak import EspeakLibrary, EspeakSynthesizer
from models.word_times import (
    before_pauses,
    carried_over,
    ends_by_characters,
    ends_by_weights,
    estimated_ends,
)


def test_a_word_ends_where_the_next_begins() -> None:
    """The last one ends with the sound."""
    assert ends_by_characters("one two three", [(0, 0), (4, 100), (8, 250)], 400) == (100, 250, 400)


def test_words_run_together_share_their_time_by_letters() -> None:
    """espeak-ng names "of" alone for "of the"."""
    ends = ends_by_characters("of the town", [(0, 0), (7, 700)], 1000)
    assert ends == (300, 700, 1000)


def test_weights_follow_the_knots() -> None:
    """Two phonemes of 10 and 90 samples, then two of 50: words of one and three phonemes."""
    knots = [(0, 0), (1, 10), (2, 100), (3, 150), (4, 200)]
    assert ends_by_weights([1, 3], knots, 200) == (10, 200)
    assert ends_by_weights([2, 1, 1], knots, 200) == (100, 150, 200)


def test_a_word_ends_before_the_pause_that_follows_it() -> None:
    """Silent windows go to no word; a word is never moved before the one before it."""
    assert before_pauses([40, 80], [True, True, False, False, True, True, True, False], 10) == (
        20,
        70,
    )
    assert before_pauses([40, 80], [False] * 8, 10) == (0, 40)


def test_written_words_get_the_times_of_the_words_spoken_for_them() -> None:
    """One sign for two words, two words for one: the stretch that differs shares its time."""
    assert carried_over("it costs twelve euros today", "It costs €12 today.", (1, 2, 3, 4, 5)) == (
        1,
        2,
        4,
        5,
    )
    assert carried_over("it", "It is so", (9,)) == (9, 9, 9)
    assert carried_over("a b", "a b", (1,)) == ()


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_are_matched(spoken: str, shown: str) -> None:
    """Times never go back, and there is one for each written word or none at all."""
    ends = tuple(range(10, 10 + len(spoken.split())))
    carried = carried_over(spoken, shown, ends)
    assert len(carried) in (0, len(shown.split()))
    assert list(carried) == sorted(carried)


@given(st.text(max_size=80), st.integers(0, 100_000))
def test_the_estimate_names_every_word_inside_the_sound(text: str, samples: int) -> None:
    """In order, the last at the end."""
    ends = estimated_ends(text, samples)
    assert len(ends) == len(text.split())
    assert list(ends) == sorted(ends)
    assert not ends or ends[-1] == samples


SENTENCES = (
    "A day ticket costs 12 euros, and children of the town, under six, travel free.",
    "The last boat comes back at a quarter past five, but only on Sundays.",
    "It did not re-open until the end of the year.",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_espeak_words_stop_where_a_shorter_text_stops(sentence: str) -> None:
    """The first half spoken alone is about as long as its last word's end says."""
    voice = EspeakSynthesizer(EspeakLibrary())
    words = sentence.split()
    half = (
        next(
            position
            for position in range(len(words) // 3, len(words))
            if words[position][-1] == ","
        )
        if "," in sentence
        else len(words) - 1
    )
    whole = voice.synthesise(sentence)
    alone = voice.synthesise(" ".join(words[: half + 1]))
    assert len(whole.word_ends) == len(words)
    # Intonation changes a last word; 200 ms is about half of one.
    assert whole.word_ends[half] / 22_050 == pytest.approx(alone.word_ends[-1] / 22_050, abs=0.2)


def test_sound_is_silent_behind_a_last_word() -> None:
    """Trimming moved the times along with the samples."""
    speech = EspeakSynthesizer(EspeakLibrary()).synthesise("One, two.")
    first, last = speech.word_ends
    gap = np.abs(speech.samples[first : first + 800].astype(int))
    assert gap.max() < 400
    assert last <= len(speech.samples)
    assert np.abs(speech.samples[last:].astype(int)).max(initial=0) < 400
