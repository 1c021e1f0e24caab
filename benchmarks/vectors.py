"""Real embeddings, and as many realistic ones made from them as a measurement of size needs.

Real are the passages of the sample documents and, where they are present, of ../shared/data; they
are embedded once and kept under benchmarks/out/. The others lie between near neighbours, with noise
that has the covariance of what separates neighbours, so that distances, and with them what a search
finds hard, stay those of text. It measures nothing.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.question_file import SAMPLE_QUESTIONS, read_questions
from benchmarks.results import OUT_DIR
from rag.chunk import pack_sentences
from rag.documents import SUPPORTED_SUFFIXES, read_document
from rag.embedding import Embedder, Vectors
from rag.sentences import split_sentences
from server.settings import CHECKOUT, SAMPLES_DIR

SHARED_DIR = CHECKOUT.parent / "shared" / "data"
PASSAGE_FILES = ("xquad_p.jsonl", "medquad_passages.jsonl")
QUESTION_FILES = ("xquad_q.jsonl", "medquad_questions.jsonl")
QUESTIONS_PER_FILE = 500

NEIGHBOURS = 20
LONGEST_STEP = 0.7
"""How far towards a neighbour a made vector lies at most."""
NOISE = 0.5
"""Of the local residual's standard deviation: with it the hundred nearest of a question lie at the
same distances as among real passages."""
BLOCK = 50_000
SEED = 7


@dataclass(frozen=True, slots=True)
class BaseVectors:
    """Embeddings of real text, each row of length 1."""

    passages: Vectors
    """(n, dimension), in an order without meaning."""
    questions: Vectors
    """(m, dimension): what is asked of them; none of them is among the passages."""
    has_shared: bool
    """Whether ../shared/data was there; without it the samples' sentences stand in."""


def load_base(embedder: Embedder, folder: Path = OUT_DIR) -> BaseVectors:
    """The base vectors, embedded on the first call (minutes) and then read."""
    has_shared = all((SHARED_DIR / name).is_file() for name in PASSAGE_FILES + QUESTION_FILES)
    passages = [*_sample_texts(), *(_shared_passages() if has_shared else ())]
    questions = [question.text for question in read_questions(SAMPLE_QUESTIONS)]
    questions += _shared_questions() if has_shared else ()
    digest = hashlib.sha256("\n".join([embedder.fingerprint, *passages, *questions]).encode())
    path = folder / f"base-vectors-{digest.hexdigest()[:16]}.npz"
    if not path.is_file():
        _embed_into(path, embedder, passages, questions)
    with np.load(path) as kept:
        return BaseVectors(kept["passages"], kept["questions"], has_shared)


def _embed_into(
    path: Path, embedder: Embedder, passages: Sequence[str], questions: Sequence[str]
) -> None:
    print(f"Embedding {len(passages)} passages and {len(questions)} questions (once)", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part.npz")
    shuffled = np.random.default_rng(SEED).permutation(len(passages))
    vectors = embedder.embed([passages[number] for number in shuffled])
    np.savez(part, passages=vectors, questions=embedder.embed(questions))
    os.replace(part, path)


def _sample_texts() -> Iterator[str]:
    for path in sorted(SAMPLES_DIR.rglob("*")):
        if path.suffix in SUPPORTED_SUFFIXES:
            for block in read_document(path).blocks:
                yield " ".join(block.sentences)
                yield from block.sentences


def _shared_passages() -> Iterator[str]:
    """Long texts are cut as the ingest cuts them."""
    for name in PASSAGE_FILES:
        for line in (SHARED_DIR / name).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            for part in pack_sentences(list(split_sentences(str(entry["text"])))):
                yield f"{entry['title']}. {' '.join(part)}"


def _shared_questions() -> list[str]:
    rng = np.random.default_rng(SEED)
    chosen: list[str] = []
    for name in QUESTION_FILES:
        lines = (SHARED_DIR / name).read_text(encoding="utf-8").splitlines()
        picked = rng.choice(len(lines), min(QUESTIONS_PER_FILE, len(lines)), replace=False)
        chosen += [str(json.loads(lines[number])["q"]) for number in sorted(picked)]
    return chosen


class VectorMaker:
    """Makes any number of vectors like the given real ones; the same seed, the same vectors."""

    def __init__(self, real: Vectors, seed: int = SEED) -> None:
        """`real` is (n, dimension) with n at least 2."""
        self._real = np.ascontiguousarray(real, np.float32)
        self._rng = np.random.default_rng(seed)
        depth = min(NEIGHBOURS, len(real) - 1)
        nearest = faiss.knn(self._real, self._real, depth + 1, metric=faiss.METRIC_INNER_PRODUCT)[1]
        self._nearest: NDArray[np.int64] = nearest[:, 1:]
        column = self._rng.integers(0, depth, len(real))
        residual = self._real[self._nearest[np.arange(len(real)), column]] - self._real
        values, axes = np.linalg.eigh(np.cov(residual.T))
        self._noise = (axes * np.sqrt(np.maximum(values, 0))).T.astype(np.float32)

    def make(self, count: int) -> Vectors:
        """Return (count, dimension) of rows of length 1."""
        dimension = self._real.shape[1]
        here = self._rng.integers(0, len(self._real), count)
        there = self._nearest[here, self._rng.integers(0, self._nearest.shape[1], count)]
        step = self._rng.random((count, 1), np.float32) * LONGEST_STEP
        noise = self._rng.standard_normal((count, dimension), np.float32) @ self._noise
        made = self._real[here] + step * (self._real[there] - self._real[here]) + NOISE * noise
        unit: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
        return unit

    def blocks(self, count: int) -> Iterator[Vectors]:
        """The real vectors first, then made ones, `count` in all, in blocks of up to BLOCK."""
        for start in range(0, min(count, len(self._real)), BLOCK):
            yield self._real[start : min(start + BLOCK, count)]
        left = count - len(self._real)
        while left > 0:
            yield self.make(min(BLOCK, left))
            left -= BLOCK
