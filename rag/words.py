"""The words of a question: stop words, stems and the FTS5 query. It knows no documents."""

import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

_STOP_WORD_LIST = """
a about am an and any are as at be been being but by can could d did do does doing for from get
had has have he her here him his how i if in into is it its just ll m may me might much my of on
one or our ours re s shall she should so some such t than that the their them then there these
they this those to too ve was we were what when where which while who whom whose why will with
would you your yours please tell know want need say many
"""
STOP_WORDS = frozenset(_STOP_WORD_LIST.split())

_NUMBER_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS.split())}
_SPOKEN = {digits: word for word, digits in _DIGITS.items()}

_Y_AND_I = str.maketrans("yi", "iy")

MAXIMUM_QUERY_WORDS = 64
"""A spoken question has about ten; what is longer is cut so that no text can make a slow query."""


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits without diacritics, as FTS5's unicode61 sees them."""
    plain = text.lower()
    if not plain.isascii():
        plain = _NOT_ASCII.sub(_without_mark, unicodedata.normalize("NFKD", plain))
    return _WORD.findall(plain)


def _without_mark(found: re.Match[str]) -> str:
    return "" if unicodedata.combining(found.group()) else found.group()


def content_words(text: str) -> list[str]:
    """The distinct words that carry the question, in order; all when only stop words are left."""
    found = list(dict.fromkeys(words(text)))[:MAXIMUM_QUERY_WORDS]
    return [word for word in found if word not in STOP_WORDS] or found


def alternatives(word: str) -> tuple[str, ...]:
    """The word with its other spelling as a number ("two" and "2"): recognisers write either."""
    other = _DIGITS.get(word) or _SPOKEN.get(word)
    return (word, other) if other else (word,)


def match_query(terms: Iterable[str]) -> str:
    """An FTS5 query that finds any of the terms; "" when there is none. Every term is quoted."""
    spelled = [spelling for term in terms for spelling in alternatives(term)]
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in spelled)


class Beginnings:
    """Tells words that cannot have one of some stems, without stemming them.

    Porter's rules leave the first letter as it is and the second too, but for a y that becomes i;
    a stem of one letter may be left of a longer word. Words with other letters than English ones
    may be folded by the tokenizer and are never ruled out.
    """

    def __init__(self, stems: Iterable[str]) -> None:
        known = list(stems)
        self._single = frozenset(stem for stem in known if len(stem) == 1)
        self._double = frozenset(
            spelled
            for stem in known
            for spelled in (stem[:2], stem[:1] + stem[1:2].translate(_Y_AND_I))
        )

    def of(self, found: Iterable[str]) -> set[str]:
        """Those of the words that may have one of the stems."""
        return {
            word
            for word in found
            if word[:2] in self._double or word[0] in self._single or not word.isascii()
        }


class Stemmer:
    """Porter stems by SQLite's own tokenizer, so that they equal the terms in the FTS5 index.

    Safe from several threads. Remembers up to `capacity` words and then starts afresh.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._stems: dict[str, str] = {}
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.executescript(
            "CREATE VIRTUAL TABLE word USING fts5(text, tokenize='porter unicode61');"
            "CREATE VIRTUAL TABLE stem USING fts5vocab(word, instance);"
        )

    def stems(self, found: Iterable[str]) -> list[str]:
        """One stem per word of `words()`, in order."""
        wanted = list(found)
        with self._lock:
            unknown = list(dict.fromkeys(word for word in wanted if word not in self._stems))
            if len(self._stems) + len(unknown) > self._capacity:
                self._stems.clear()
                unknown = list(dict.fromkeys(wanted))
            if unknown:
                self._learn(unknown)
            return [self._stems[word] for word in wanted]

    def _learn(self, unknown: list[str]) -> None:
        self._connection.execute("DELETE FROM word")
        self._connection.executemany(
            "INSERT INTO word(rowid, text) VALUES (?, ?)", enumerate(unknown)
        )
        self._stems.update((word, word) for word in unknown)
        for number, stem in self._connection.execute("SELECT doc, term FROM stem"):
            self._stems[unknown[number]] = stem
        self._connection.rollback()

    def close(self) -> None:
        """Give the in-memory database back; the stemmer must not be used afterwards."""
        self._connection.close()
