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
from rag.hit import Hit
from rag.lexical import WeightedTerm
from rag.words import STOP_WORDS, content_words, words

EARLIER_VECTOR_WEIGHT: Final = 0.7
EARLIER_WORDS_WEIGHT: Final = 0.3
SAME_DOCUMENT_BONUS: Final = 0.1
"""Chosen on the `tune` half of benchmarks/questions/followups.jsonl and on followups_tuning.jsonl:
of the 55 dialogues that the rules know for follow-ups 54 find the right passage first, as with all
of 0.6 to 0.8, 0.3 to 0.4 and 0.1; with words that weigh 0.5 it is 51, for "what about the paths?"
then stays with the wheelchairs on the boat."""


@dataclass(frozen=True, slots=True)
class Margins:
    """How much less than the best the passage that answered before may fit a question by itself."""

    passage: float
    """Of the hits' scores."""
    sentence: float
    """Between the sentences that fit best in it and in the first passages (Candidate.own_fit)."""


PLAIN: Final = Margins(0.07, 0.05)
"""Of a short question without a sign ("are there jellyfish?"): a passage is often nearly as good,
one of its sentences seldom. Of 8,742 pairs of sample questions none loses the right passage so;
with 0.1 instead of either, one or two do."""
SIGNED: Final = Margins(0.25, 0.2)
"""Of one with a sign that it follows another ("can they book earlier?")."""

MOST_WORDS: Final = 3
"""Content words of a question that may still lean: "how far away can you hear it" has three. In a
longer one a pronoun mostly stands for something within it."""
FEW_WORDS: Final = 2
"""The same where the sign is weak: "they" may be people in general, "this" may point at a noun."""

_PLEONASTIC: Final = re.compile(r"\bit(?: [\w']+){0,2} (?=to\b|for [\w' ]+ to\b|that\b)")
"""As in "how much is it to adopt a puffin": the "it" stands for what follows it."""
_EXISTENTIAL: Final = re.compile(
    r"\b(?:is|are|was|were|will|been|isn't|aren't) there\b|\bthere(?:'s| is| are| was| were)\b"
    r"|(?<!\bi )(?<!\bwe )(?<!\byou )(?<!\bthey )\bbe there\b"
)
"""But not in "how early must we be there": that is a place."""
_PRONOUN: Final = re.compile(
    r"\b(?:it|them|he|him|she|there)\b"
    r"|\bone(?= (?:out|off|for|in|on|at|to|from|with|that|which|up|down|again|too|here)\b)"
    r"|\b(?:get|have|borrow|buy|need|want|find|bring|book|hire|rent|take|use|see|order) one$"
    r"|\b(?:which|that|this|other|another|the \w+) ones?\b"
    r"|\b(?:what|anything|who|where|anyone|how) else\b|\binstead\b|\b(?:then|either)$"
)
_WEAK_PRONOUN: Final = re.compile(
    r"\b(?:they|their|its|his|her|that|this|these|those|too|as well|the same)\b"
)
_OPENING: Final = re.compile(
    r"^(?:and|or|but|also|plus|then)\b|^(?:what|how) (?:about|if)\b|^(?:why not|how come|same)\b"
)
_CLAUSE: Final = re.compile(
    r"^(?:and|or|but|also|plus|then) (?:(?:what|which|when|where|who|whose|how|why|is|are|was|were"
    r"|do|does|did|can|could|may|must|should|will|would|has|have)\b)(?! (?:about|if)\b)"
)
"""An opening before a whole question: it follows another, and may well stand alone."""
_INTERROGATIVE: Final = re.compile(r"\b(?:what|which|when|where|who|whom|whose|how|why)\b")
_FRAGMENT: Final = re.compile(
    r"^(?:in|on|at|for|with|without|from|by|after|before|during|under|over|not|only|every)\b"
)

_SIGN: Final = re.compile(
    r"\b(?:they|their|them|its|his|her|too|as well|the same|still|instead|included?|extra|else)\b"
    r"|\b(?:cheaper|earlier|later|closer|longer|faster|higher|lower|smaller|bigger|larger|older"
    r"|younger)\b(?!.*\bthan\b)|^(?:and|or|but|so|also|plus|then)\b"
)
"""Words that want something said before: of whom, than what, included in what."""


def leans_on_earlier(question: str) -> bool:
    """Whether it cannot be understood without what was asked before it. Pure; case is no matter."""
    lowered = " ".join(words_and_quotes(question))
    carried = [word for word in words(lowered) if word not in STOP_WORDS]
    if not carried:
        return bool(lowered)
    plain = _EXISTENTIAL.sub("", _PLEONASTIC.sub("", lowered))
    if len(carried) <= MOST_WORDS and (_PRONOUN.search(plain) or _is_part(plain, len(carried))):
        return True
    return len(carried) <= FEW_WORDS and _WEAK_PRONOUN.search(plain) is not None


def _is_part(plain: str, carried: int) -> bool:
    """Whether it is a phrase, or begins as if it went on with another sentence."""
    if _OPENING.match(plain):
        return carried < FEW_WORDS or not _CLAUSE.match(plain)
    return _FRAGMENT.match(plain) is not None and not _INTERROGATIVE.search(plain)


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


def preferring(hits: Sequence[Hit], earlier: Earlier | None) -> Sequence[Hit]:
    """The hits in order, those of the document that answered before a little higher."""
    if earlier is None or not earlier.document:
        return hits
    raised = [
        replace(hit, score=min(1.0, hit.score + SAME_DOCUMENT_BONUS))
        if hit.document == earlier.document
        else hit
        for hit in hits
    ]
    return sorted(raised, key=lambda hit: (-hit.score, hit.passage_id))


def margins_of(question: str) -> Margins | None:
    """What the passage that answered before may lack for a question that stands alone.

    None for a long one, which says itself what it asks for.
    """
    lowered = " ".join(words_and_quotes(question))
    if sum(word not in STOP_WORDS for word in words(lowered)) > MOST_WORDS:
        return None
    return SIGNED if _SIGN.search(lowered) else PLAIN
