"""Cuts documents into batches of texts of like number for the embedder. It embeds nothing.

Small documents share a batch and a long one is spread over several, so that neither is slow and
every core has work.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rag.chunk import Passage
from rag.embedding import Vectors
from rag.store_writes import DocumentChange, DocumentRecord

MAXIMUM_DOCUMENTS = 256
"""In one batch, and so in one transaction: documents of which every passage was known."""


@dataclass(slots=True)
class Pending:
    """A document on its way: `vectors` are filled in as they come, `missing` are still to come."""

    record: DocumentRecord
    passages: Sequence[Passage]
    kept: Sequence[int | None]
    texts: list[str]
    """What the embedder sees of each new passage."""
    vectors: Vectors
    missing: list[int]
    """Positions in `texts`."""

    @property
    def change(self) -> DocumentChange:
        """For the store, once nothing is missing."""
        return DocumentChange(self.record, self.passages, self.kept, self.vectors)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some texts of one document; `is_last` when nothing of it is left after them."""

    pending: Pending
    positions: list[int]
    is_last: bool


@dataclass(slots=True)
class Batch:
    """Pieces that are embedded in one call; `vectors` are in their order."""

    pieces: list[Piece] = field(default_factory=list)
    size: int = 0
    """How many texts."""

    def texts(self) -> list[str]:
        """Of all pieces, in order."""
        return [piece.pending.texts[number] for piece in self.pieces for number in piece.positions]

    def settle(self, vectors: Vectors) -> None:
        """Hand each document its vectors, shape (size, dimension)."""
        start = 0
        for piece in self.pieces:
            stop = start + len(piece.positions)
            piece.pending.vectors[piece.positions] = vectors[start:stop]
            start = stop

    def complete(self) -> list[Pending]:
        """The documents that are whole after this batch."""
        return [piece.pending for piece in self.pieces if piece.is_last]

    def partial(self) -> list[Piece]:
        """The pieces of documents that are not whole yet."""
        return [piece for piece in self.pieces if not piece.is_last]


def make_pending(
    record: DocumentRecord,
    passages: Sequence[Passage],
    kept: Sequence[int | None],
    dimension: int,
) -> Pending:
    """Everything without a kept id is missing."""
    texts = [p.embedding_text for p, number in zip(passages, kept, strict=True) if number is None]
    vectors = np.zeros((len(texts), dimension), np.float32)
    return Pending(record, passages, kept, texts, vectors, list(range(len(texts))))


def make_batches(documents: Iterable[Pending], batch_passages: int) -> Iterator[Batch]:
    """At most `batch_passages` texts each."""
    batch = Batch()
    for pending in documents:
        left = pending.missing
        is_last = False
        while not is_last:
            room = batch_passages - batch.size
            positions, left = left[:room], left[room:]
            is_last = not left
            batch.pieces.append(Piece(pending, positions, is_last))
            batch.size += len(positions)
            if batch.size >= batch_passages or len(batch.pieces) >= MAXIMUM_DOCUMENTS:
                yield batch
                batch = Batch()
    if batch.pieces:
        yield batch


def text_hash(text: str) -> str:
    """Under which the vector of a text is kept while its document is not whole."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
