"""Gives each word of a corpus its ARPAbet pronunciations: from cmudict, else from an IPA speller.

It neither speaks nor chooses words. ARPAbet here is the 39 phones without stress that the
pocketsphinx acoustic model was trained on.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

PhonemesOf = Callable[[str], str]

# Longest match first; espeak-ng's en-us inventory, checked over the words of cmudict. A tap is T,
# because cmudict writes "letter" L EH T ER; a glottal stop before a syllabic n is T ("gluten").
_ARPABET: Final[Mapping[str, str]] = {
    "ɚɹ": "ER", "ɜːɹ": "ER",
    "aɪə": "AY AH", "aɪɚ": "AY ER", "aʊɚ": "AW ER", "oːɹ": "AO R", "ɔːɹ": "AO R", "ɑːɹ": "AA R",
    "ɛɹ": "EH R", "ɪɹ": "IH R", "ʊɹ": "UH R", "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW",
    "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "iː": "IY", "uː": "UW", "ɑː": "AA", "ɔː": "AO",
    "ɜː": "ER", "əl": "AH L", "n̩": "AH N", "l̩": "AH L", "iə": "IY AH", "eː": "EY", "oː": "AO",
    "a": "AE", "b": "B", "d": "D", "e": "EH", "f": "F", "h": "HH", "i": "IY", "j": "Y", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "OW", "p": "P", "r": "R", "s": "S", "t": "T", "u": "UW",
    "v": "V", "w": "W", "x": "K", "y": "UW", "z": "Z", "æ": "AE", "ç": "HH", "ð": "DH", "ŋ": "NG",
    "ɐ": "AH", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "ə": "AH", "ɚ": "ER", "ɛ": "EH", "ɜ": "ER",
    "ɡ": "G", "g": "G", "ɪ": "IH", "ɬ": "L", "ɹ": "R", "ɾ": "T", "ʁ": "R", "ʃ": "SH", "ʊ": "UH",
    "ʌ": "AH", "ʒ": "ZH", "ʔ": "T", "θ": "TH", "ᵻ": "IH",
}  # fmt: skip
_SYMBOL: Final = re.compile("|".join(sorted(map(re.escape, _ARPABET), key=len, reverse=True)))
_ALTERNATIVE: Final = re.compile(r"\(\d+\)$")
_VOICELESS: Final = frozenset({"P", "T", "K", "F", "TH"})
_HISSING: Final = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})


def arpabet_of(ipa: str) -> str:
    """Phones separated by spaces; marks with no phone (stress, length) are left out."""
    return " ".join(_ARPABET[symbol] for symbol in _SYMBOL.findall(ipa))


class Pronunciations:
    """Looks words up in a cmudict file, and spells what it does not have. Not thread-safe."""

    def __init__(self, dictionary: Path, phonemes_of: PhonemesOf | None) -> None:
        """`phonemes_of` maps one word to IPA; without it, words outside cmudict have no
        pronunciation.
        """
        self._known = _read_dictionary(dictionary)
        self._phonemes_of = phonemes_of

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def of(self, word: str) -> list[str]:
        """Every known pronunciation, the commonest first; [] when there is none."""
        known = self._known.get(word)
        if known:
            return known
        return self._of_possessive(word) or self._spelled(word)

    def _of_possessive(self, word: str) -> list[str]:
        base = word.removesuffix("'s")
        if base == word or base not in self._known:
            return []
        return [f"{phones} {_ending(phones.split()[-1])}" for phones in self._known[base]]

    def _spelled(self, word: str) -> list[str]:
        if self._phonemes_of is None:
            return []
        phones = arpabet_of(self._phonemes_of(word))
        return [phones] if phones else []


def dictionary_lines(words: Iterable[str], pronunciations: Pronunciations) -> Iterator[str]:
    """The words in the decoder's own dictionary format; words without a pronunciation are left
    out.
    """
    for word in words:
        for number, phones in enumerate(pronunciations.of(word), 1):
            yield f"{word if number == 1 else f'{word}({number})'} {phones}"


def _ending(last_phone: str) -> str:
    if last_phone in _HISSING:
        return "IH Z"
    return "S" if last_phone in _VOICELESS else "Z"


def _read_dictionary(path: Path) -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.rstrip("\n").partition(" ")
            known.setdefault(_ALTERNATIVE.sub("", word), []).append(phones)
    return known
