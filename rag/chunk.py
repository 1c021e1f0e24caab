"""Documents to passages: whole sentences under one heading path. It reads no files."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from rag.blocks import Document

TARGET_WORDS = 120
"""A passage is filled to at most this; all-MiniLM-L6-v2 reads 256 tokens, about 190 words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What is searched and cited. `position` counts from 0 within its document."""

    title: str
    headings: tuple[str, ...]
    position: int
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences as one line."""
        return " ".join(self.sentences)

    @property
    def heading(self) -> str:
        """The heading path as one line; the title where the passage stands before any heading."""
        return ", ".join(self.headings) or self.title

    @property
    def embedding_text(self) -> str:
        """What the embedder sees: title and headings give the text its subject."""
        return ". ".join([self.title, *self.headings, self.text])


def make_passages(document: Document) -> list[Passage]:
    """Split a document at its headings, then at sentences into passages of like length.

    A passage has at most TARGET_WORDS words unless a single sentence has more; a section shorter
    than that is one passage, however short, so that a source always names one heading.
    """
    made: list[Passage] = []
    for headings, blocks in groupby(document.blocks, key=lambda block: block.headings):
        sentences = [sentence for block in blocks for sentence in block.sentences]
        for part in pack_sentences(sentences):
            made.append(Passage(document.title, headings, len(made), tuple(part)))
    return made


def pack_sentences(sentences: list[str]) -> Iterator[list[str]]:
    """Groups of neighbours, balanced: 130 words become 65 and 65, not 120 and 10."""
    total = sum(len(sentence.split()) for sentence in sentences)
    share = total / max(1, -(-total // TARGET_WORDS))
    part: list[str] = []
    size = 0
    for sentence in sentences:
        length = len(sentence.split())
        overshoots = size + length > TARGET_WORDS or size + length / 2 > share
        if part and overshoots:
            yield part
            part, size = [], 0
        part.append(sentence)
        size += length
    if part:
        yield part
