"""Cuts an answer into the pieces that are synthesised one after the other; it speaks none."""

from models.sentences import first_clause
from models.speakable import split_sentences

LONG_FIRST_CHARACTERS = 60
"""A longer first sentence is begun with its first clause: at Piper's medium voice on one core 60
characters cost about 0.2 s of synthesis, and nothing is heard before it is done."""

SHORTEST_FIRST_CHARACTERS = 16
"""About a second of speech: time to synthesise what follows. "According to Prices," has 20."""


def pieces_of(text: str, maximum_characters: int) -> list[str]:
    """Return the sentences of the answer, the first cut at a clause when long; no blank ones.

    The turn and its speculation both call it, so that they speak the same first piece.
    """
    sentences = [each for each in split_sentences(text[:maximum_characters]) if each.strip()]
    if not sentences or len(sentences[0]) <= LONG_FIRST_CHARACTERS:
        return sentences
    head, rest = first_clause(sentences[0], SHORTEST_FIRST_CHARACTERS)
    return [head, *([rest] if rest else []), *sentences[1:]]
