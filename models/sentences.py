"""Sentences to be spoken one by one; cuts only at white space, so that no word is lost.

Made for speech: a piece is never longer than a voice should be given at once. It is no parser of
grammar, and it does not clean text (models/speakable.py does).
"""

import re
from itertools import pairwise
from typing import Final

LONGEST_SENTENCE_CHARACTERS: Final = 300
"""About 20 s of speech. A Piper voice needs memory in proportion to the length of a sentence."""

_CANDIDATE: Final = re.compile(
    r"(?<![.!?…])[.!?…]+[\"'”’)\]*_]*\s+|\n[^\S\n]*\n\s*|\n+(?=\s*(?:[-*•#>]|\d+[.)])\s)"
)
_LAST_WORD: Final = re.compile(r"(\S+)\s*$")
_NEVER_LAST: Final = frozenset(
    {"dr", "mr", "mrs", "ms", "prof", "rev", "capt", "st", "e.g", "i.e", "approx", "incl", "excl"}
    | {"vs", "cf", "est", "tel", "dept", "hon", "messrs", "mt", "viz"}
)
_BEFORE_A_NUMBER: Final = frozenset(
    {"no", "nos", "p", "pp", "fig", "figs", "ch", "vol", "sec", "c", "ca", "max", "min", "art"}
    | {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"}
)
_MAYBE_LAST: Final = frozenset(
    {"a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "jr", "sr", "u.s", "u.k", "u.s.a", "rd"}
    | {"mon", "tue", "wed", "thu", "fri", "sat", "sun", "hrs", "b.c", "a.d", "ph.d", "ave"}
)
_CALENDAR: Final = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August"
    r"|September|October|November|December"
)
# fmt: off
_OPENERS: Final = frozenset({
    "the", "a", "an", "it", "this", "that", "these", "those", "he", "she", "they", "we", "you",
    "i", "in", "on", "at", "if", "when", "but", "and", "so", "as", "for", "its", "there", "no",
    "yes", "our", "your", "my", "his", "her", "their", "to", "from", "after", "before", "with",
    "what", "how", "why", "who",
})
# fmt: on
_INITIAL: Final = re.compile(r"[\"'(“‘]*[A-Z]")
_CLAUSE_END: Final = re.compile(r"[,;:–—]\s")


def split_sentences(text: str, longest_characters: int = LONGEST_SENTENCE_CHARACTERS) -> list[str]:
    """Sentences without the space around them, none empty, longer ones cut at a clause.

    `" ".join(result).split() == text.split()` for every text; one word above `longest_characters`
    stays whole.
    """
    edges = [0, *(m.end() for m in _CANDIDATE.finditer(text) if _ends_here(text, m)), len(text)]
    sentences = (text[start:end].strip() for start, end in pairwise(edges))
    return [piece for sentence in sentences for piece in _in_pieces(sentence, longest_characters)]


def first_clause(sentence: str, shortest_characters: int = 24) -> tuple[str, str]:
    """The sentence cut after its first clause mark, for sound that starts sooner: (head, rest).

    The rest is "" where a clause of at least `shortest_characters` cannot be cut off, or where less
    than that would remain.
    """
    for mark in _CLAUSE_END.finditer(sentence, shortest_characters):
        head, rest = sentence[: mark.end()].strip(), sentence[mark.end() :].strip()
        return (head, rest) if len(rest) >= shortest_characters else (sentence, "")
    return sentence, ""


def _ends_here(text: str, mark: re.Match[str]) -> bool:
    following = text[mark.end() : mark.end() + 40]
    if not following or mark[0].isspace() or "\n\n" in mark[0]:
        return True
    if mark[0][0] != ".":
        return not (following[0].islower() and mark[0].rstrip()[-1] in "\"'”’")
    before = _LAST_WORD.search(text, max(0, mark.start() - 40), mark.start())
    return before is None or _full_stop_ends(text, before, following)


def _full_stop_ends(text: str, before: re.Match[str], following: str) -> bool:
    word = before[1].lstrip("\"'([“‘*_").lower()
    next_word = following.split(None, 1)[0].lstrip("\"'([“‘*_")
    if not next_word or next_word[0].islower() or word in _NEVER_LAST:
        return False
    if word in _BEFORE_A_NUMBER:
        return not next_word[0].isdigit()
    if word in _MAYBE_LAST:
        return not (next_word[0].isdigit() or _CALENDAR.match(next_word))
    if _INITIAL.fullmatch(before[1]):
        return not _is_name_initial(text[: before.start()], next_word)
    return not (word.isdigit() and len(word) <= 3 and _starts_line(text, before.start()))


def _is_name_initial(preceding: str, next_word: str) -> bool:
    """J. R. R. Tolkien and John F. Kennedy go on; "vitamin C. It helps" does not."""
    if next_word.strip(".,;:!?").lower() in _OPENERS and not re.match(r"[A-Z]\.", next_word):
        return False
    last = preceding.split()[-1:] if preceding[-40:].strip() else []
    return not last or last[0].lstrip("\"'(“‘")[:1].isupper() or last[0].endswith((".", ","))


def _starts_line(text: str, start: int) -> bool:
    """Where the number of a list item stands."""
    return not text[:start].rsplit("\n", 1)[-1].strip()


def _in_pieces(sentence: str, longest_characters: int) -> list[str]:
    pieces = []
    while len(sentence) > longest_characters:
        cut = _cut_position(sentence, longest_characters)
        if cut == 0:
            break
        pieces.append(sentence[:cut].rstrip())
        sentence = sentence[cut:].lstrip()
    return [*pieces, sentence] if sentence else pieces


def _cut_position(sentence: str, longest_characters: int) -> int:
    """After the last clause mark in the second half, else the last space; 0 for one long word."""
    marks = _CLAUSE_END.finditer(sentence, longest_characters // 2, longest_characters)
    clause = max((mark.end() for mark in marks), default=0)
    if clause:
        return clause
    for position in range(longest_characters, 0, -1):
        if sentence[position].isspace():
            return position
    after = re.search(r"\s", sentence[longest_characters:])
    return longest_characters + after.start() if after else 0
