"""Pronunciations from cmudict, by rule, and from IPA."""

from pathlib import Path

import pytest

from models.pronunciation import Pronunciations, arpabet_of, dictionary_lines
from models.sphinx_library import wheel_model

_PHONES = """AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH
    UH UW V W Y Z ZH"""
ARPABET = frozenset(_PHONES.split())


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "small.dict"
    path.write_text("cat K AE T\nkeeper K IY P ER\nhouse HH AW S\na AH\na(2) EY\n")
    return path


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("mˈɑːɹɡɹət", "M AA R G R AH T"),
        ("θˈɜːsti", "TH ER S T IY"),
        ("dʒˈʌdʒ", "JH AH JH"),
        ("bjˈuːɾi", "B Y UW T IY"),
        ("ɡlˈuːʔn̩", "G L UW T AH N"),
        ("kˈɪləmˌiːɾɚz", "K IH L AH M IY T ER Z"),
        ("", ""),
        ("ˈˌ", ""),
    ],
)
def test_ipa_becomes_arpabet(ipa: str, phones: str) -> None:
    """Diphthongs and affricates are one phone; stress and length are none."""
    assert arpabet_of(ipa) == phones


def test_known_words_keep_their_alternatives(dictionary: Path) -> None:
    """The dictionary is asked before the speller, and in the decoder's own format."""
    known = Pronunciations(dictionary, lambda word: "x")
    assert list(dictionary_lines(["a", "cat"], known)) == ["a AH", "a(2) EY", "cat K AE T"]


def test_possessives_follow_the_sound_of_their_word(dictionary: Path) -> None:
    """S after voiceless sounds, IH Z after hissing ones, Z otherwise."""
    known = Pronunciations(dictionary, None)
    assert known.of("cat's") == ["K AE T S"]
    assert known.of("keeper's") == ["K IY P ER Z"]
    assert known.of("house's") == ["HH AW S IH Z"]


def test_only_unknown_words_reach_the_speller(dictionary: Path) -> None:
    """It is slow and takes a lock."""
    asked: list[str] = []

    def spell(word: str) -> str:
        asked.append(word)
        return "zˈɔːɹ" if word == "zor" else ""

    known = Pronunciations(dictionary, spell)
    lines = list(dictionary_lines(["cat", "cat's", "zor", "mute"], known))
    assert asked == ["zor", "mute"]
    assert lines == ["cat K AE T", "cat's K AE T S", "zor Z AO R"]


def test_without_a_speller_unknown_words_are_left_out(dictionary: Path) -> None:
    """The decoder refuses a word without phones."""
    assert list(dictionary_lines(["zor"], Pronunciations(dictionary, None))) == []


def test_phones_are_those_of_the_acoustic_model() -> None:
    """Everything the mapping can produce is in the wheel's own dictionary."""
    every_symbol = "aɪə aʊɚ tʃ dʒ eɪ oʊ ɔɪ iː uː ɑː ɔː ɜː ŋ ʃ ʒ θ ð ɹ ɾ ʔ ᵻ h j w v z n̩ l̩ x ɒ ʊ"
    assert set(arpabet_of(every_symbol).split()) <= ARPABET
    with wheel_model().dictionary.open() as lines:
        used = {phone for line in lines for phone in line.split()[1:]}
    assert used == ARPABET
