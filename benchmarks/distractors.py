"""Fills a store with made-up passages, so that questions are asked of a large corpus.

They are sentences of the stored passages in new company; their vectors are stored ones moved by
noise, not embeddings of their text. Figures of hits among them say how ranking and time hold up,
not how good a real corpus of that size would be. It measures nothing.
"""

import random
from collections.abc import Sequence

import numpy as np

from rag.chunk import Passage
from rag.store import DocumentRecord, Store

PASSAGE_WORDS = 100
DOCUMENT_PASSAGES = 1_000
NOISE = 1.2
"""The length of the noise to a vector of length 1: the cosine of the two is then about 0.64."""


def grow(store: Store, size: int, seed: int = 7) -> None:
    """Add passages of about PASSAGE_WORDS words until the store holds `size`."""
    table = store.vector_table()
    passages = [stored.passage for stored in store.fetch(table.ids.tolist()).values()]
    picks = random.Random(seed)
    noise = np.random.default_rng(seed)
    for first in range(len(passages), size, DOCUMENT_PASSAGES):
        count = min(DOCUMENT_PASSAGES, size - first)
        made = [_mixed(passages, position, picks) for position in range(count)]
        rows = noise.integers(0, len(table.vectors), count)
        spread = noise.standard_normal((count, store.dimension)).astype(np.float32)
        moved = table.vectors[rows] + NOISE * spread / np.sqrt(store.dimension)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        record = DocumentRecord(f"made-up/{first}", "made-up", f"made-up/{first}", "Made up", "")
        store.replace_document(record, made, moved)


def _mixed(passages: Sequence[Passage], position: int, picks: random.Random) -> Passage:
    sentences: list[str] = []
    while sum(map(len, sentences)) < 6 * PASSAGE_WORDS:
        sentences.append(picks.choice(picks.choice(passages).sentences))
    return Passage(picks.choice(passages).title, (), position, tuple(sentences))
