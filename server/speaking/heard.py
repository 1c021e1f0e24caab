"""Which words of an answer were heard by a given moment of its audio. Pure; it plays nothing.

Word by word where the voice tells when each one ends, else by an estimate from their syllables.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from models.word_times import estimated_ends


@dataclass(frozen=True, slots=True)
class _Spoken:
    sentence: str
    begins: int
    samples: int
    word_ends: tuple[int, ...]


class HeardWords:
    """The sentences of one answer, each with the length of its sound."""

    def __init__(self) -> None:
        self._spoken: list[_Spoken] = []

    def add(self, sentence: str, samples: int, word_ends: tuple[int, ...] = ()) -> None:
        """Note a sentence that begins where the one before it ended; pauses count as its sound."""
        known = len(word_ends) == len(sentence.split())
        ends = word_ends if known else estimated_ends(sentence, samples)
        self._spoken.append(_Spoken(sentence, self.samples, samples, ends))

    @property
    def samples(self) -> int:
        """Of all sentences that were begun."""
        return self._spoken[-1].begins + self._spoken[-1].samples if self._spoken else 0

    @property
    def is_empty(self) -> bool:
        """Whether no sentence was begun."""
        return not self._spoken

    @property
    def last_ends(self) -> tuple[int, ...]:
        """Where each word of the last sentence ends, in samples of the whole answer."""
        if self.is_empty:
            return ()
        last = self._spoken[-1]
        return tuple(last.begins + max(1, end) for end in last.word_ends)

    @property
    def count(self) -> int:
        """Of the sentences that were begun."""
        return len(self._spoken)

    def after(self, number: int, played_samples: int) -> tuple[str, int]:
        """Return the words of a sentence that were not heard, and the sample of the sentence at
        which the first of them begins; "" when all were.
        """
        spoken = self._spoken[number]
        heard = sum(spoken.begins + max(1, end) <= played_samples for end in spoken.word_ends)
        begins = spoken.word_ends[heard - 1] if heard else 0
        return " ".join(spoken.sentence.split()[heard:]), begins

    def ends_of(self, number: int) -> tuple[int, ...]:
        """Where each word of a sentence ends, in samples of the sentence."""
        return self._spoken[number].word_ends

    def text(self, played_samples: int) -> str:
        """Return what had been heard after that many samples, whole words only."""
        return self.between(0, played_samples)

    def between(self, first_sample: int, last_sample: int) -> str:
        """Return the words that ended behind the first sample and not behind the last."""
        return " ".join(word for word, end in self._words() if first_sample < end <= last_sample)

    def _words(self) -> Iterator[tuple[str, int]]:
        for spoken in self._spoken:
            for word, end in zip(spoken.sentence.split(), spoken.word_ends, strict=True):
                yield word, spoken.begins + max(1, end)
