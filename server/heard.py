"""Which words of an answer were heard by a given moment of its audio. Pure; it plays nothing.

Within a sentence a word's share of the time is its share of the letters: an estimate, for voices
that give no alignment of phonemes.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class _Spoken:
    sentence: str
    samples: int


class HeardWords:
    """The sentences of one answer with the length of their sound."""

    def __init__(self) -> None:
        self._spoken: list[_Spoken] = []

    def add(self, sentence: str, samples: int) -> None:
        """Note a sentence that begins where the one before it ended; pauses count as its sound."""
        self._spoken.append(_Spoken(sentence, samples))

    @property
    def sentences(self) -> list[str]:
        """All sentences that were begun."""
        return [each.sentence for each in self._spoken]

    def text(self, played_samples: int) -> str:
        """Return what had been heard after that many samples, whole words only."""
        heard: list[str] = []
        left = played_samples
        for each in self._spoken:
            if left >= each.samples:
                heard.append(each.sentence)
                left -= each.samples
                continue
            heard += _first_words(each.sentence, left / each.samples)
            break
        return " ".join(heard)


def _first_words(sentence: str, share: float) -> list[str]:
    words = sentence.split()
    letters = sum(len(word) + 1 for word in words)
    heard, passed = [], 0
    for word in words:
        passed += len(word) + 1
        if passed > share * letters:
            break
        heard.append(word)
    return heard
