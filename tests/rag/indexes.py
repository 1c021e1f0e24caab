"""Stores and indexes small enough to build within a test."""

from pathlib import Path

import numpy as np

from rag.chunk import Passage
from rag.embedding import Vectors
from rag.index_build import Published, build
from rag.index_kinds import IndexLimits, Kind
from rag.snapshot_folder import SnapshotFolder
from rag.store import DocumentRecord, Store

DIMENSION = 32
FINGERPRINT = "clouds-1"
LIMITS = IndexLimits(flat_max=100, ivf_max=100_000)


def clouds(count: int, seed: int = 0) -> Vectors:
    """Unit vectors round 40 centres, as passages lie round topics."""
    centres = np.random.default_rng(99).standard_normal((40, DIMENSION))
    rng = np.random.default_rng(seed)
    near = rng.standard_normal((count, DIMENSION)) * 0.6
    made = centres[rng.integers(0, 40, count)] + near
    unit: Vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return unit


def open_clouds(folder: Path) -> Store:
    return Store(folder / "store.sqlite3", FINGERPRINT, DIMENSION)


def put(store: Store, name: str, vectors: Vectors) -> None:
    """Store one document with a passage for each vector, in place of the one of the same name."""
    passages = [
        Passage(name, (), place, (f"{name} {place} {vector[0]:.7f}.",))
        for place, vector in enumerate(vectors)
    ]
    store.replace_document(DocumentRecord(name, "", name, name, ""), passages, vectors)


def build_index(store: Store, folder: SnapshotFolder, kind: Kind = Kind.IVF) -> Published:
    return build(store, folder, kind, LIMITS)


def nearest(store: Store, query: Vectors, k: int) -> list[int]:
    """The truth, by comparing all."""
    table = store.vector_table()
    order = np.argsort(-(table.vectors @ query), kind="stable")[:k]
    return [int(number) for number in table.ids[order]]
