"""Counts word trigrams and writes them as an ARPA back-off model; knows nothing of documents or
speech.

Smoothing is interpolated Witten-Bell (Chen and Goodman 1999, section 2.5): what is kept for unseen
words after a history grows with the number of different words seen there. It needs no held-out text
and stays well-behaved on a few thousand words, where Kneser-Ney's discounts cannot be estimated.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

START = "<s>"
END = "</s>"

History = tuple[str, ...]


class TrigramCounts:
    """Weighted counts of one, two and three words in a row, sentence ends included."""

    def __init__(self) -> None:
        self.by_history: tuple[dict[History, Counter[str]], ...] = (
            {(): Counter()},
            defaultdict(Counter),
            defaultdict(Counter),
        )

    def add(self, words: Sequence[str]) -> None:
        """Count one sentence, without START and END."""
        padded = [START, *words, END]
        unigrams = self.by_history[0][()]
        for place in range(1, len(padded)):
            word = padded[place]
            unigrams[word] += 1
            self.by_history[1][(padded[place - 1],)][word] += 1
            if place > 1:
                before = (padded[place - 2], padded[place - 1])
                self.by_history[2][before][word] += 1

    def count_of(self, word: str) -> float:
        """How often a word was counted, 0 if never."""
        return self.by_history[0][()][word]

    def words(self) -> list[str]:
        """Every word counted, END included, in no order."""
        return list(self.by_history[0][()])

    def add_word(self, word: str, weight: float) -> None:
        """Let a word be said anywhere, without saying where."""
        self.by_history[0][()][word] += weight  # type: ignore[assignment]


class WittenBell:
    """Probabilities from counts: P(w|h) = (c(h,w) + T(h) P(w|shorter h)) / (c(h) + T(h))."""

    def __init__(self, counts: TrigramCounts) -> None:
        self.counts = counts
        self._unigrams = counts.by_history[0][()]
        self._unigram_total = sum(self._unigrams.values())
        self._totals: dict[History, float] = {
            history: sum(followers.values())
            for order in counts.by_history[1:]
            for history, followers in order.items()
        }

    def probability(self, word: str, history: History) -> float:
        """P(word | history), 0 to 1, for a history of up to two words."""
        if not history:
            return self._unigrams[word] / self._unigram_total
        followers = self.counts.by_history[len(history)].get(history)
        shorter = self.probability(word, history[1:])
        if not followers:
            return shorter
        kinds = len(followers)
        return (followers[word] + kinds * shorter) / (self._totals[history] + kinds)

    def backoff(self, history: History) -> float:
        """What an unseen word's shorter probability is multiplied by after this history; 1 if
        unknown.
        """
        followers = self.counts.by_history[len(history)].get(history)
        if not followers:
            return 1.0
        return len(followers) / (self._totals[history] + len(followers))


def arpa_lines(counts: TrigramCounts) -> Iterator[str]:
    """The model as the lines of an ARPA file, sorted, so that the same counts give the same
    bytes.
    """
    model = WittenBell(counts)
    orders = [_entries(order) for order in counts.by_history]
    orders[0] = sorted([*orders[0], (START,)])
    yield "\\data\\"
    yield from (f"ngram {length}={len(entries)}" for length, entries in enumerate(orders, 1))
    for length, entries in enumerate(orders, 1):
        yield f"\n\\{length}-grams:"
        for words in entries:
            yield _line(model, words, is_longest=length == len(orders))
    yield "\n\\end\\"


def _entries(order: Mapping[History, Iterable[str]]) -> list[History]:
    return sorted((*history, word) for history, followers in order.items() for word in followers)


def _line(model: WittenBell, words: History, *, is_longest: bool) -> str:
    is_start = words == (START,)
    chance = -99.0 if is_start else math.log10(model.probability(words[-1], words[:-1]))
    line = f"{chance:.4f} {' '.join(words)}"
    if is_longest or words[-1] == END:
        return line
    return f"{line} {math.log10(model.backoff(words)):.4f}"
