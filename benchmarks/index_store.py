"""Stores with any number of realistic vectors, for the measurements of the index."""

from collections.abc import Iterable

from benchmarks.vectors import BLOCK
from rag.chunk import Passage
from rag.embedding import Vectors
from rag.store import DocumentRecord, Store

PASSAGES_PER_DOCUMENT = 1_000
FINGERPRINT = "vectors-for-measuring"


def add_vectors(store: Store, vectors: Vectors, first_document: int) -> int:
    """Add a passage for each vector, PASSAGES_PER_DOCUMENT to a document; return the next number.

    The texts are short: only the vectors are realistic.
    """
    number = first_document
    for start in range(0, len(vectors), PASSAGES_PER_DOCUMENT):
        part = vectors[start : start + PASSAGES_PER_DOCUMENT]
        name = f"made-{number:06d}"
        passages = [
            Passage(name, (), place, (f"Passage {place} of {name}.",)) for place in range(len(part))
        ]
        store.replace_document(DocumentRecord(name, "", name, name, ""), passages, part)
        number += 1
    return number


def fill(store: Store, blocks: Iterable[Vectors]) -> None:
    """Put all blocks into an empty store."""
    number = 0
    for block in blocks:
        for start in range(0, len(block), BLOCK):
            number = add_vectors(store, block[start : start + BLOCK], number)
