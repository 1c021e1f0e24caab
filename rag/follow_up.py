"""Whether a question leans on the one before it, and how the earlier one is searched along with it.

"And on Sundays?" names no boat: what was asked before is added to its vector and to its words, with
less weight than its own, and passages of the document that answered are preferred a little. The
question itself is never reworded. Rules for English; a question that no rule meets stands alone,
whatever was said before it. It searches nothing itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rag.embedding import Vector
from rag.lexical import WeightedTerm
from rag.words import STOP_WORDS, content_words, words

EARLIER_VECTOR_WEIGHT: Final = 0.35
EARLIER_WORDS_WEIGHT: Final = 0.4
SAME_DOCUMENT_BONUS: Final = 0.06
"""Chosen on the `tune` half of benchmarks/questions/followups.jsonl, where all of 0.25 to 0.5, 0.3
to 1 and 0.03 to 0.1 put the right passage first for 17 to 19 of 20 dialogues; with more weight
"what about the paths?" stays with the wheelchairs on the boat."""

MOST_WORDS: Final = 3
"""Content words of a question that may still lean: "how far away can you hear it" has three. In a
longer one a pronoun mostly stands for something within it."""
FEW_WORDS: Final = 2
"""The same where the sign is weak: "they" may be people in general, "this" may point at a noun."""

_PLEONASTIC: Final = re.compile(r"\bit(?: [\w']+){0,2} (?=to\b|for [\w' ]+ to\b|that\b)")
"""As in "how much is it to adopt a puffin": the "it" stands for what follows it."""
_EXISTENTIAL: Final = re.compile(
    r"\b(?:is|are|was|were|will|be|been|isn't|aren't) there\b|\bthere(?:'s| is| are| was| were)\b"
)
_PRONOUN: Final = re.compile(
    r"\b(?:it|its|them|he|him|his|she|her|hers|there|theirs)\b"
    r"|\b(?:which|that|this|other|another|the \w+) ones?\b"
    r"|\b(?:what|anything|who|where|anyone|how) else\b|\binstead\b|\b(?:then|either)$"
)
_WEAK_PRONOUN: Final = re.compile(r"\b(?:they|their|that|this|these|those|too|as well|the same)\b")
_OPENING: Final = re.compile(
    r"^(?:and|or|but|also|plus|then)\b|^(?:what|how) (?:about|if)\b|^(?:why not|how come|same)\b"
)
_INTERROGATIVE: Final = re.compile(r"\b(?:what|which|when|where|who|whom|whose|how|why)\b")
_FRAGMENT: Final = re.compile(
    r"^(?:in|on|at|for|with|without|from|by|after|before|during|under|over|not|only|every)\b"
)


def leans_on_earlier(question: str) -> bool:
    """Whether it cannot be understood without what was asked before it. Pure; case is no matter."""
    lowered = " ".join(words_and_quotes(question))
    carried = [word for word in words(lowered) if word not in STOP_WORDS]
    if not carried:
        return bool(lowered)
    plain = _EXISTENTIAL.sub("", _PLEONASTIC.sub("", lowered))
    is_fragment = _FRAGMENT.match(plain) and not _INTERROGATIVE.search(plain)
    if len(carried) <= MOST_WORDS and (
        _PRONOUN.search(plain) or _OPENING.match(plain) or is_fragment
    ):
        return True
    return len(carried) <= FEW_WORDS and _WEAK_PRONOUN.search(plain) is not None


def words_and_quotes(text: str) -> list[str]:
    """Lower-case words with the quotes within them, so that "there's" is one."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'"))


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a question leans on: the earlier question, and the document that answered it."""

    question: str
    vector: Vector
    """The earlier question's embedding."""
    document: str
    """"" when nothing was found for it."""


def joined_vector(own: Vector, earlier: Earlier) -> Vector:
    """Both questions as one vector of length 1."""
    joined = own + EARLIER_VECTOR_WEIGHT * earlier.vector
    return np.asarray(joined / np.linalg.norm(joined), own.dtype)


def joined_terms(
    question: str, own: Sequence[WeightedTerm], earlier: Sequence[WeightedTerm]
) -> tuple[WeightedTerm, ...]:
    """Its own words and those of the earlier question, which weigh less unless it has none."""
    has_own = any(word not in STOP_WORDS for word in content_words(question))
    if not has_own:
        return tuple(earlier)
    known = {term.word for term in own}
    added = [term for term in earlier if term.word not in known]
    return (*own, *(replace(term, idf=EARLIER_WORDS_WEIGHT * term.idf) for term in added))
