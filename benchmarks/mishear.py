"""Makes plausible recogniser mistakes in a written question. It is no recogniser."""

import difflib
import random
from collections.abc import Iterable

from rag.words import STOP_WORDS, words

WRONG_SHARE = 0.07
DROPPED_SHARE = 0.03
"""One word in ten is wrong, about what the embedded recogniser makes of synthetic voices."""


class Mishearing:
    """Hears only words that the documents have, as a recogniser with their language model does.

    A word that they lack becomes one that is spelled alike; one in ten of the others does too, or
    is dropped.
    """

    def __init__(self, texts: Iterable[str], seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._known = sorted({word for text in texts for word in words(text)})
        self._by_initial: dict[str, list[str]] = {}
        for word in self._known:
            self._by_initial.setdefault(word[0], []).append(word)
        self._alike: dict[str, str] = {}

    def of(self, question: str) -> str:
        """The question as it might be recognised; never empty unless the question is."""
        heard = [self._hear(word) for word in words(question)]
        return " ".join(word for word in heard if word) or question

    def _hear(self, word: str) -> str:
        chance = self._random.random()
        if not self._known or chance < DROPPED_SHARE:
            return ""
        is_known = word in STOP_WORDS or word in self._by_initial.get(word[0], ())
        if is_known and chance >= DROPPED_SHARE + WRONG_SHARE:
            return word
        return self._closest(word)

    def _closest(self, word: str) -> str:
        if word not in self._alike:
            pool = self._by_initial.get(word[0], self._known)
            others = [known for known in pool if known != word]
            found = difflib.get_close_matches(word, others, n=1, cutoff=0.0)
            self._alike[word] = found[0] if found else self._random.choice(self._known)
        return self._alike[word]
