"""Puts quoted sentences into a spoken answer that names its source. It chooses no sentences."""

import re
from collections.abc import Sequence

from rag.chunk import Passage
from rag.words import STOP_WORDS

MAXIMUM_TITLE_WORDS = 8
MAXIMUM_SPOKEN_WORDS = 80
"""An answer past this is cut at a clause: a single sentence may have up to 120 words."""

_BULLET = re.compile(r"(?:^|(?<=[.:;!?]))\s+(?:[-–•*·]\s+)+")
_NOTE = re.compile(r"\s?\[(?:update|citation needed|(?:note )?\d{1,3}|[a-z])\]")
_CROSS_REFERENCE = re.compile(
    r"\W*(see|refer to) (also|the|our|chapter|section|page|table|fig)", re.I
)
_FIRST_WORD = re.compile(r"^\W*([^\W\d_]+)")

_LEANING_WORDS = frozenset(
    {"it", "its", "they", "their", "them", "he", "his", "she", "her", "this", "these", "those"}
    | {"that", "both", "such", "then", "otherwise", "instead", "also", "but", "however", "so"}
)

_COMMON_OPENINGS = (STOP_WORDS | {"every", "each", "all", "most", "no", "not", "only", "after"}) - {
    "i", "may", "will", "ll", "m",
}  # fmt: skip
"""First words that are not names, so that they lose their capital inside a sentence."""


def leans_on_context(sentence: str) -> bool:
    """Whether the sentence begins with a word that points back at something said before it."""
    return _first_word(sentence) in _LEANING_WORDS


def is_question(sentence: str) -> bool:
    """Whether it asks. Said back to the one who asked, it answers nothing."""
    return sentence.rstrip("\"'”’)]» ").endswith("?")


def is_cross_reference(sentence: str) -> bool:
    """Whether it sends a reader elsewhere ("(See the table.)"), where a listener cannot go."""
    return _CROSS_REFERENCE.match(sentence) is not None


def announces_more(sentence: str) -> bool:
    """Whether the sentence ends by pointing at what follows it."""
    return sentence.rstrip().endswith(":")


def phrase(passage: Passage, sentences: Sequence[str]) -> str:
    """Name the source, and the heading too where the first sentence leans on what came before."""
    opening = _opening(passage.title)
    if leans_on_context(sentences[0]) and passage.headings:
        opening = f"{opening}, under {passage.headings[-1].rstrip('.:')}"
    first, *others = map(spoken, sentences)
    return limit_words(" ".join([_joined(opening, first), *others]))


def spoken(sentence: str) -> str:
    """Without list bullets and the notes of an encyclopaedia, such as [update] and [12]."""
    plain = _NOTE.sub("", _BULLET.sub(" ", f" {sentence}"))
    return plain.strip()


def opening_clause(title: str) -> str:
    """How an answer from a document of that title begins, as a clause; a colon sounds the same."""
    return f"{_opening(title)},"


def limit_words(text: str) -> str:
    """At most MAXIMUM_SPOKEN_WORDS words, cut after the last clause that fits, closed by a stop."""
    parts = text.split()
    if len(parts) <= MAXIMUM_SPOKEN_WORDS:
        return text
    kept = parts[:MAXIMUM_SPOKEN_WORDS]
    ends = [number for number, part in enumerate(kept, 1) if part[-1] in ".,;:!?"]
    end = ends[-1] if ends and ends[-1] > MAXIMUM_SPOKEN_WORDS // 2 else MAXIMUM_SPOKEN_WORDS
    return " ".join(kept[:end]).rstrip(",;:.") + "."


def _opening(title: str) -> str:
    return f"According to {' '.join(title.split()[:MAXIMUM_TITLE_WORDS]).rstrip('.,;:!?')}"


def _joined(opening: str, sentence: str) -> str:
    """After a comma without its capital, or after a colon where the capital may be a name's."""
    if _first_word(sentence) in _COMMON_OPENINGS:
        return f"{opening}, {sentence[:1].lower()}{sentence[1:]}"
    return f"{opening}: {sentence}"


def _first_word(sentence: str) -> str:
    found = _FIRST_WORD.match(sentence)
    return found.group(1).lower() if found else ""
