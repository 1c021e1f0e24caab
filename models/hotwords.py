"""Chooses the words of a corpus that a recogniser should be told to expect. It tells none.

A word counts the more the rarer it is in English and the more sentences of the corpus have it; one
that mostly stands in a longer name is told as that name. The same texts give the same words.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.sphinx_library import SphinxLibrary, wheel_model

_KNOWN_WORDS: Final = 40_000
"""Of the wheel's 134,723 words; what is less common than these counts as unheard of."""
_HEARD_WORDS: Final = 5_000
"""The commonest words are heard without being told."""
_LEAST_LETTERS: Final = 4
_LONGEST_NAME: Final = 4
_CONNECTORS: Final = frozenset(
    ["of", "the", "de", "del", "della", "di", "da", "la", "le", "du", "van", "von", "der", "den"]
)
_SHARE_IN_NAME: Final = 0.5
_KEPT_CANDIDATES: Final = 50_000
_EDGES: Final = "\"'“”‘’.,;:!?()[]{}<>*_`|/…"


@dataclass(frozen=True, slots=True)
class HotwordLimits:
    """Bounds that keep the choice to seconds and a few MB, whatever the corpus."""

    terms: int = 64
    counted_words: int = 1_000_000


class _Rarity:
    """How unlikely it is that a recogniser knows a word: 0 for common English, at most 1."""

    def __init__(self) -> None:
        common = SphinxLibrary().commonest_words(wheel_model(), _KNOWN_WORDS)
        self._ranks: Mapping[str, int] = {word: rank for rank, word in enumerate(common, 1)}
        self._most = math.log(_KNOWN_WORDS / _HEARD_WORDS)

    def of(self, word: str) -> float:
        bare = _without_possessive(word.lower())
        parts = [self._ranks.get(part, _KNOWN_WORDS) for part in bare.split("-") if part]
        rank = max(parts, default=0)
        return max(0.0, math.log(max(1, rank) / _HEARD_WORDS)) / self._most


def hotwords_of(texts: Iterable[str], limits: HotwordLimits | None = None) -> tuple[str, ...]:
    """The words and names most worth telling, best first, as they are written.

    `texts` are sentences, headings and titles; past the limit only one in 2, 4, 8, ... counts.
    Raises SphinxError without the wheel that tells what is common.
    """
    limits = limits or HotwordLimits()
    spelled, names, rarity = Counter[str](), Counter[str](), _Rarity()
    counted, stride = 0, 1
    for number, text in enumerate(texts):
        if number % stride:
            continue
        words = text.split()
        counted += len(words)
        if not text.isupper():
            _count(words, spelled, names, rarity)
        if counted > limits.counted_words:
            counted, stride = counted // 2, stride * 2
        if len(spelled) > 2 * _KEPT_CANDIDATES or len(names) > 2 * _KEPT_CANDIDATES:
            spelled, names = _commonest(spelled), _commonest(names)
    return tuple(_best(spelled, names, rarity))[: limits.terms]


def _count(
    words: Sequence[str], spelled: Counter[str], names: Counter[str], rarity: _Rarity
) -> None:
    """Each rare word of one sentence once, and the names that it stands in."""
    found = set[str]()
    for number, run in enumerate(_runs(words)):
        while number == 0 and len(run) > 1 and not rarity.of(run[0]):
            run = run[1:]  # a common word that has its capital from the sentence
        rare = {word for word in run if _is_telling(word) and rarity.of(word) > 0}
        found |= rare
        if rare and len(run) > 1:
            names[" ".join(run)] += 1
    spelled.update(found)


def _runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Names, that is words with a capital that follow each other, and each other word alone."""
    run: list[str] = []
    for written in [*words, ""]:
        word = written.strip(_EDGES)
        is_capital = _is_word(word) and word[0].isupper()
        goes_on = bool(run) and (is_capital or word in _CONNECTORS)
        if not goes_on or len(run) == 2 * _LONGEST_NAME:
            yield from _name(run)
            run = []
        if is_capital or goes_on:
            run.append(word)
        else:
            yield (word,)
        if written and written[-1] in ".,;:!?)]" and run:
            yield from _name(run)
            run = []


def _name(run: list[str]) -> Iterator[tuple[str, ...]]:
    """The run without connectors at its end; a longer one than a name is its words."""
    while run and run[-1] in _CONNECTORS:
        run.pop()
    if len([word for word in run if word not in _CONNECTORS]) <= _LONGEST_NAME:
        yield from [tuple(run)] if run else []
    else:
        yield from ((word,) for word in run if word not in _CONNECTORS)


def _is_word(word: str) -> bool:
    return _letters(word).isalpha()


def _is_telling(word: str) -> bool:
    """Whether it can be told alone: shorter words are units and initials."""
    letters = _letters(word)
    return len(letters) >= _LEAST_LETTERS and letters.isalpha()


def _letters(word: str) -> str:
    return word.replace("-", "").replace("'", "").replace("’", "")


def _best(spelled: Counter[str], names: Counter[str], rarity: _Rarity) -> Iterator[str]:
    """What to tell, each word at most once, by rarity times the logarithm of its sentences."""
    spellings, counts = dict[str, str](), Counter[str]()
    for written, count in _by_count(spelled):
        spellings.setdefault(_folded(written), written)
        counts[_folded(written)] += count
    fullest: dict[str, str] = {}
    for name, count in _by_count(names):
        for word in map(_folded, name.split()):
            if count >= _SHARE_IN_NAME * counts.get(word, math.inf):
                fullest.setdefault(word, name)
    worth = {
        word: rarity.of(written) * math.log2(1 + counts[word])
        for word, written in spellings.items()
    }
    told = set[str]()
    for word in sorted(worth, key=lambda word: (-worth[word], word)):
        term = fullest.get(word, spellings[word])
        if word not in told:
            yield _without_possessive(term)
        told.update((word, *map(_folded, term.split())))


def _folded(word: str) -> str:
    """One for "Ferry", "ferry's" and "ferrys"."""
    return _without_possessive(word.lower()).removesuffix("s")


def _without_possessive(word: str) -> str:
    return word.removesuffix("'s").removesuffix("’s")


def _by_count(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _commonest(counts: Counter[str]) -> Counter[str]:
    return Counter(dict(_by_count(counts)[:_KEPT_CANDIDATES]))
