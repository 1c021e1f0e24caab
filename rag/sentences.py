"""Splits running text into sentences for reading aloud and citing. It parses no file format."""

import re

MAXIMUM_SENTENCE_WORDS = 120
"""Longer runs without an end mark are no sentences (logs, tables gone wrong): they are cut here."""

_END = re.compile(r"""[.!?…]+["'”’)\]»]*(?=\s)""")
_LAST_WORD = re.compile(r"""(?:^|[\s("'“‘\[])([^\s("'“‘\[]+)$""")
_OPENERS = "\"'“‘([«*_¿¡"

_NEVER_LAST_WORDS = """
mr mrs ms dr prof rev hon st mt ft capt col gen lt sgt gov sen rep pres messrs mme mlle fr sr jr
vs e.g i.e cf viz approx ca fig figs eq sec ch vol ed eds trans nos pp tel ext dept est incl resp
"""
_NEVER_LAST = frozenset(_NEVER_LAST_WORDS.split())
"""They stand before a name, a number or an explanation and so never end a sentence."""

_BEFORE_NUMBER_WORDS = """
no p art par nr op
"""
_BEFORE_NUMBER = frozenset(_BEFORE_NUMBER_WORDS.split())
"""Abbreviations only when a number follows: "No. 7" against the answer "No."."""

_MAYBE_LAST_WORDS = """
a.m p.m am pm etc inc ltd co corp bros u.s u.k u.s.a e.u d.c b.c a.d ph.d m.d b.a m.a  jan feb mar
apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun  min max hr hrs
sq km cm mm kg lb oz ave rd blvd al
"""
_MAYBE_LAST = frozenset(_MAYBE_LAST_WORDS.split())
"""They end a sentence only before a word that could begin one ("until 9.30 a.m. The last ...")."""

_CALENDAR_WORDS = """
monday tuesday wednesday thursday friday saturday sunday january february march april may june
july august september october november december
"""
_CALENDAR = frozenset(_CALENDAR_WORDS.split())


def split_sentences(text: str) -> list[str]:
    """Return the sentences with runs of white space made one space; joined they hold every word.

    Abbreviations, initials, decimals, clock times and list numbers do not end a sentence.
    """
    text = " ".join(text.split())
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if _is_boundary(text, start, match):
            sentences.append(text[start : match.end()])
            start = match.end() + 1
    if start < len(text):
        sentences.append(text[start:])
    return [piece for sentence in sentences for piece in cut_long(sentence)]


def cut_long(sentence: str) -> list[str]:
    """Cut a run of more than MAXIMUM_SENTENCE_WORDS words, after a clause mark if there is one."""
    words = sentence.split()
    pieces: list[str] = []
    while len(words) > MAXIMUM_SENTENCE_WORDS:
        cut = _clause_end(words[:MAXIMUM_SENTENCE_WORDS])
        pieces.append(" ".join(words[:cut]))
        words = words[cut:]
    return [*pieces, " ".join(words)] if words else pieces


def _clause_end(words: list[str]) -> int:
    for position in range(len(words), len(words) // 2, -1):
        if words[position - 1][-1] in ",;:":
            return position
    return len(words)


def _is_boundary(text: str, start: int, match: re.Match[str]) -> bool:
    following = text[match.end() + 1 :][:40].lstrip(_OPENERS)
    if not following or following[0].islower():
        return False
    if not match.group().startswith("."):
        return True
    before = text[start : match.start()]
    if before.isdigit():
        return False
    found = _LAST_WORD.search(before)
    word = found.group(1) if found else before
    return _word_may_end(word, following)


def _word_may_end(word: str, following: str) -> bool:
    lowered = word.lower()
    if lowered in _NEVER_LAST or (len(word) == 1 and word.isupper() and word != "I"):
        return False
    if lowered in _BEFORE_NUMBER:
        return not following[0].isdigit()
    if lowered in _MAYBE_LAST:
        next_word = re.split(r"\W", following, maxsplit=1)[0].lower()
        return not following[0].isdigit() and next_word not in _CALENDAR
    return True
