"""What retrieval finds: passages with how well they fit. It finds none itself."""

from dataclasses import dataclass, field

from rag.chunk import Passage
from rag.embedding import Vector
from rag.lexical import WeightedTerm
from rag.store import StoredPassage


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage found."""

    passage_id: int
    document: str
    passage: Passage
    score: float
    """What hits are ordered by, 0..1: cosine and coverage weighed together."""
    fusion: float
    """The reciprocal rank fusion score that brought it among the candidates."""
    cosine: float
    """Between the question's vector and the passage's, from -1 to 1."""
    coverage: float
    """The share of the question's content words found in title, headings and text, by idf."""
    also_in: tuple[str, ...] = ()
    """Other documents with a passage that says the same and was left out."""
    before: StoredPassage | None = None
    """The passage before it under the same headings, where its first sentence leans on that."""
    after: StoredPassage | None = None
    """The passage after it under the same headings, where its last sentence announces that."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for one question, best first, at one generation of the store."""

    question: str
    vector: Vector = field(repr=False, compare=False)
    """The question's embedding, shape (dimension,)."""
    terms: tuple[WeightedTerm, ...]
    hits: tuple[Hit, ...]
    generation: int
    passage_cosine: float
    passage_coverage: float
    """The highest cosine and coverage of the first EVIDENCE_HITS, whatever the limit."""
    confidence: float
    """How sure it is, 0..1, that these passages hold an answer."""
