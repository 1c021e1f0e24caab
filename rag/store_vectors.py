"""The store's vectors in a file, as the build of an index needs them, and which store it is.

It writes nothing to the store but the name that tells two stores apart.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.store import Store

BATCH = 5_000
_IDENTITY = "SELECT value FROM meta WHERE name='identity'"

OnRead = Callable[[int, int], None]
"""Called with (vectors read, vectors in all)."""


@dataclass(frozen=True, slots=True)
class VectorFile:
    """All vectors at one generation in a file: `ids` ascending, `vectors` mapped."""

    generation: int
    ids: NDArray[np.int64]
    vectors: Vectors


def copy_vectors(store: Store, path: Path, on_read: OnRead) -> VectorFile:
    """Write all vectors to `path` as float32 and map them. OSError when the disk is full.

    A build reads them more than once; from a file it does so without holding the store's old
    pages, and without a million vectors in its memory.
    """
    ids: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    with path.open("wb") as stream, store.reading() as connection:
        now = _generation(connection)
        total = int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])
        done = 0
        for batch, vectors in _batches(connection, store.dimension):
            stream.write(vectors.tobytes())
            ids.append(batch)
            done += len(batch)
            on_read(done, total)
    shape = (done, store.dimension)
    mapped = np.memmap(path, np.float32, "r", shape=shape) if done else np.empty(shape, np.float32)
    return VectorFile(now, np.concatenate(ids), mapped)


def store_identity(store: Store) -> str:
    """A name that no other store has: ids count from 1 in each, and an index must not be mixed."""
    with store.reading() as connection:
        row = connection.execute(_IDENTITY).fetchone()
    if row is None:
        with store.marking() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO meta(name, value) VALUES ('identity', ?)",
                (secrets.token_hex(16),),
            )
            row = connection.execute(_IDENTITY).fetchone()
    return str(row[0])


def highest_passage_id(store: Store) -> int:
    """The highest id that was ever given; 0 for a new store."""
    with store.reading() as connection:
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='passages'").fetchone()
    return int(row[0]) if row else 0


def _generation(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM meta WHERE name='generation'").fetchone()
    return int(row[0])


def _batches(
    connection: sqlite3.Connection, dimension: int
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    rows = connection.execute("SELECT passage_id, vector FROM vectors ORDER BY passage_id")
    while batch := rows.fetchmany(BATCH):
        ids = np.array([row[0] for row in batch], np.int64)
        joined = np.frombuffer(b"".join(row[1] for row in batch), "<f4")
        yield ids, joined.reshape(len(batch), dimension)
