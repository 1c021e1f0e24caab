"""Drops hits that say what a better one says, as copies of a page do. It orders nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.embedding import Vector
from rag.hit import Hit
from rag.words import words

NEAR_COSINE = 0.9
"""Copies under other titles stay above it; only what does is compared word by word."""

SAME_SHARE = 0.9
"""Of all words of two texts so many must be in both. Texts that differ in a number never are."""


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with its stored vector, shape (dimension,), and the question's words in its title."""

    hit: Hit
    vector: Vector
    named: frozenset[str]
    """The same text under "Noonan syndrome 1" and under "Noonan syndrome" is no copy to a question
    that says the 1."""


def without_duplicates(found: Sequence[Found]) -> list[Hit]:
    """The hits in the order given, of equal ones the first; it names the others' documents."""
    kept: list[Found] = []
    for one in found:
        twin = next((place for place, other in enumerate(kept) if _are_same(one, other)), None)
        if twin is None:
            kept.append(one)
        else:
            kept[twin] = _with_copy(kept[twin], one.hit.document)
    return [one.hit for one in kept]


def _with_copy(found: Found, document: str) -> Found:
    hit = found.hit
    if document == hit.document or document in hit.also_in:
        return found
    return replace(found, hit=replace(hit, also_in=(*hit.also_in, document)))


def _are_same(one: Found, other: Found) -> bool:
    if one.named != other.named or float(one.vector @ other.vector) < NEAR_COSINE:
        return False
    return say_the_same(one.hit.passage.text, other.hit.passage.text)


def say_the_same(text: str, other: str) -> bool:
    """Whether the texts share SAME_SHARE of their words and all of their numbers."""
    if text == other:
        return True
    ours, theirs = set(words(text)), set(words(other))
    differing = ours ^ theirs
    if any(any(mark.isdigit() for mark in word) for word in differing):
        return False
    return len(ours & theirs) >= SAME_SHARE * len(ours | theirs)
