"""Which words of a corpus are told to a recogniser."""

import pytest

from models.hotwords import HotwordLimits, hotwords_of

CORPUS = [
    "The Zyzzoria Light stands on the hill.",
    "You can see the Zyzzoria Light from the town.",
    "Take the metformin in the morning and ask the doctor about it.",
    "The morning boat goes from the town to the hill.",
]


def test_rare_words_are_told_and_common_ones_are_not() -> None:
    """What everybody says is heard anyway."""
    told = hotwords_of(CORPUS)
    assert "metformin" in told
    assert not {"morning", "doctor", "town", "The", "boat"} & set(told)


def test_a_name_is_told_whole_and_once() -> None:
    """The word alone that only stands in it is not told beside it."""
    assert hotwords_of(CORPUS) == ("Zyzzoria Light", "metformin")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("We met at the Battle of Jumonville Glen in May.", "Battle of Jumonville Glen"),
        ("It was Bram Oakshott's boat.", "Bram Oakshott"),
        ("Then Vasco da Quillon, the keeper, went home.", "Vasco da Quillon"),
        ("Ask Börte Ujin or St Zyzz.", "Börte Ujin"),
    ],
)
def test_names_with_connectors_marks_and_accents(text: str, name: str) -> None:
    """As written, without what stands round them or begins the sentence."""
    assert hotwords_of([text])[0] == name


def test_a_word_of_more_sentences_comes_first() -> None:
    """Of two words equally rare the one that is asked about more often is told."""
    texts = ["The qwibble is here.", "A qwibble and a zorgle.", "The qwibble again."]
    assert hotwords_of(texts) == ("qwibble", "zorgle")


def test_one_spelling_stands_for_plural_and_possessive() -> None:
    """The commonest one."""
    texts = ["Many qwibbles here.", "More qwibbles there.", "One qwibble.", "A qwibble's end."]
    assert len(hotwords_of(texts)) == 1


def test_addresses_numbers_and_headings_in_capitals_are_no_words() -> None:
    """Nobody says them, or they are shouted common words."""
    texts = [
        "Write to qwib@blee.example or https://zorgle.example/x7.",
        "ZORGLING HOURS",
        "12kwh x2",
    ]
    assert hotwords_of(texts) == ()


def test_the_choice_is_bounded_and_repeatable() -> None:
    """A large corpus is thinned; the same texts give the same words."""
    texts = [
        f"The qwib{chr(97 + number % 26)}ber of zorg{chr(97 + number % 17)}le."
        for number in range(5000)
    ]
    limits = HotwordLimits(terms=7, counted_words=2_000)
    told = hotwords_of(iter(texts), limits)
    assert len(told) == 7
    assert told == hotwords_of(texts, limits)


def test_no_texts_give_no_words() -> None:
    """An empty store is no error."""
    assert hotwords_of([]) == ()
