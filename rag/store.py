"""Documents, passages, their words and vectors in SQLite: the truth that every index is made from.

It computes no vectors and ranks nothing beyond FTS5's own bm25.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from rag.chunk import Passage
from rag.embedding import Vector, Vectors
from rag.filter import EVERYTHING, Filter
from rag.lock import exclusive
from rag.schema import StoreError, connect, prepare
from rag.store_reads import matching_passages, neighbour_ids, passages_within
from rag.store_writes import (
    DOCUMENT_COLUMNS,
    HEADING_SEPARATOR,
    SENTENCE_SEPARATOR,
    DocumentChange,
    DocumentRecord,
    document_record,
    match_passages,
    passage_from,
    write_document,
)

__all__ = ["DocumentChange", "DocumentRecord", "Store", "StoreCounts", "StoredPassage"]

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with the id it keeps for ever: ids are never given to another passage."""

    passage_id: int
    document: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """How much a store holds."""

    documents: int
    passages: int


@dataclass(frozen=True, slots=True)
class VectorTable:
    """All vectors at one generation: `ids` (n,) ascending, `vectors` (n, dimension)."""

    generation: int
    ids: NDArray[np.int64]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Changes:
    """What came and went since an earlier generation, as of `added.generation`."""

    added: VectorTable
    removed: NDArray[np.int64]
    """Passage ids, ascending; among them none that came and went in between."""


class Store:
    """One writer and many readers; each thread has its own connection, all closed by close().

    `generation` grows with every transaction that adds, replaces or removes documents, so that
    whoever keeps something made from the store can tell whether it is still true.
    """

    def __init__(self, path: Path, fingerprint: str, dimension: int) -> None:
        """Open or create. Raises StoreError, or StoreMismatchError for another embedder's store."""
        self.path = path
        self.fingerprint = fingerprint
        self.dimension = dimension
        self._local = threading.local()
        self._guard = threading.Lock()
        self._writing = threading.RLock()
        self._connections: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            prepare(self._connection(), path, fingerprint, dimension)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every thread's connection; other threads must have stopped using the store."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    def exclusive_writer(self) -> AbstractContextManager[None]:
        """Keep other processes from ingesting. Raises StoreBusyError naming the one that does."""
        return exclusive(self.path.with_name(self.path.name + ".lock"))

    def generation(self) -> int:
        """0 for a new store."""
        row = self._connection().execute("SELECT value FROM meta WHERE name='generation'")
        return int(row.fetchone()[0])

    def counts(self) -> StoreCounts:
        """How much is stored now."""
        row = self._connection().execute(
            "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)"
        )
        return StoreCounts(*row.fetchone())

    def documents(self) -> list[DocumentRecord]:
        """Every document, sorted by path."""
        rows = self._connection().execute(f"SELECT {DOCUMENT_COLUMNS} FROM documents ORDER BY path")
        return [document_record(row) for row in rows]

    def replace_document(
        self, record: DocumentRecord, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Put the document in place of the one of the same path, whole or not at all.

        `vectors` is float32 of shape (len(passages), dimension). Raises ValueError otherwise.
        A passage whose words were there already keeps its id and its stored vector.
        """
        if vectors.shape != (len(passages), self.dimension):
            raise ValueError(f"vectors of shape {vectors.shape} for {len(passages)} passages")
        with self._transaction() as connection:
            kept = match_passages(connection, record.path, passages)
            is_new = [number is None for number in kept]
            write_document(connection, DocumentChange(record, passages, kept, vectors[is_new]))

    def match(self, path: str, passages: Sequence[Passage]) -> list[int | None]:
        """For each passage the id of the stored one of this document with its words, or None."""
        return match_passages(self._connection(), path, passages)

    def write(self, changes: Sequence[DocumentChange], removed: Sequence[str] = ()) -> None:
        """Put all of these documents in place and forget those of the paths `removed`, or nothing.

        Raises ValueError when a change's vectors are not as many as its new passages.
        """
        for change in changes:
            missing = sum(number is None for number in change.kept)
            if change.vectors.shape != (missing, self.dimension):
                raise ValueError(f"vectors of shape {change.vectors.shape} for {missing} passages")
        if not changes and not removed:
            return
        with self._transaction() as connection:
            for change in changes:
                write_document(connection, change)
            connection.executemany(
                "DELETE FROM documents WHERE path=?", ((path,) for path in removed)
            )

    def remove_documents(self, paths: Sequence[str]) -> None:
        """Forget these documents in one transaction; unknown paths are no error."""
        self.write([], paths)

    def keep_prepared(self, hashes: Sequence[str], vectors: Vectors) -> None:
        """Keep vectors of texts whose document is not whole yet. Raises StoreError by the disk."""
        with self.marking() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO prepared_vectors(sha256, vector) VALUES (?, ?)",
                (
                    (sha256, np.ascontiguousarray(vector, "<f4").tobytes())
                    for sha256, vector in zip(hashes, vectors, strict=True)
                ),
            )

    def prepared(self, hashes: Sequence[str]) -> dict[str, Vector]:
        """Those of these texts whose vectors were kept, in one query."""
        rows = self._connection().execute(
            "SELECT sha256, vector FROM prepared_vectors "
            "WHERE sha256 IN (SELECT value FROM json_each(?))",
            (json.dumps(list(hashes)),),
        )
        return {row[0]: np.frombuffer(row[1], "<f4") for row in rows}

    def forget_prepared(self) -> None:
        """Every document is whole: nothing needs to be kept for a later ingest."""
        if self._connection().execute("SELECT 1 FROM prepared_vectors LIMIT 1").fetchone():
            with self.marking() as connection:
                connection.execute("DELETE FROM prepared_vectors")

    def fetch(self, passage_ids: Iterable[int]) -> dict[int, StoredPassage]:
        """The passages that still exist, in one query however many ids there are."""
        rows = self._connection().execute(
            "SELECT passages.id, documents.name, passages.title, heading, position, body "
            "FROM passages JOIN documents ON documents.id = document_id "
            "WHERE passages.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(passage_ids)),),
        )
        return {row[0]: StoredPassage(row[0], row[1], passage_from(*row[2:])) for row in rows}

    def vectors(self, passage_ids: Iterable[int]) -> dict[int, Vector]:
        """The stored vectors of the passages that still exist, in one query."""
        rows = self._connection().execute(
            "SELECT passage_id, vector FROM vectors "
            "WHERE passage_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(passage_ids)),),
        )
        return {row[0]: np.frombuffer(row[1], "<f4") for row in rows}

    def vector_table(self) -> VectorTable:
        """Every vector with the generation it belongs to, read as of one moment."""
        with self.reading() as connection:
            return self._vectors_after(connection, 0)

    def changes_since(self, generation: int, last_id: int) -> Changes:
        """What came and went since `generation`, at which `last_id` was the highest passage id."""
        with self.reading() as connection:
            removed = connection.execute(
                "SELECT passage_id FROM tombstones WHERE generation > ? AND passage_id <= ? "
                "ORDER BY passage_id",
                (generation, last_id),
            )
            gone = np.array([row[0] for row in removed], np.int64)
            return Changes(self._vectors_after(connection, last_id), gone)

    def _vectors_after(self, connection: sqlite3.Connection, last_id: int) -> VectorTable:
        """Of the passages with a higher id, in blocks of rows: a vector never becomes an object."""
        rows = connection.execute(
            "SELECT passage_id, vector FROM vectors WHERE passage_id > ? ORDER BY passage_id",
            (last_id,),
        )
        block = rows.fetchmany(_ROWS_AT_ONCE)
        total = len(block)
        if total == _ROWS_AT_ONCE:  # counting reads every page once more
            total = connection.execute(
                "SELECT count(*) FROM vectors WHERE passage_id > ?", (last_id,)
            ).fetchone()[0]
        ids = np.empty(total, np.int64)
        vectors = np.empty((total, self.dimension), np.float32)
        start = 0
        while block:
            ids[start : start + len(block)] = [row[0] for row in block]
            joined = np.frombuffer(b"".join(row[1] for row in block), "<f4")
            vectors[start : start + len(block)] = joined.reshape(len(block), self.dimension)
            start += len(block)
            block = rows.fetchmany(_ROWS_AT_ONCE)
        return VectorTable(self.generation(), ids, vectors)

    def lexical_search(self, query: str, limit: int, narrowing: Filter = EVERYTHING) -> list[int]:
        """Passage ids by weighted bm25, best first. `query` comes from lexical.match_expression."""
        if not query:
            return []
        return matching_passages(self._connection(), query, limit, narrowing)

    def passages_within(self, narrowing: Filter) -> NDArray[np.int64]:
        """The ids of all passages that the filter lets through, ascending."""
        return passages_within(self._connection(), narrowing)

    def neighbours(self, passage_ids: Iterable[int], step: int) -> Mapping[int, int]:
        """For each passage the id of the one `step` positions on, under the same headings."""
        return neighbour_ids(self._connection(), passage_ids, step)

    def passages_with(self, stems: Iterable[str]) -> Mapping[str, int]:
        """In how many passages each Porter stem occurs; absent ones are left out."""
        rows = self._connection().execute(
            "SELECT term, doc FROM passage_terms WHERE term IN (SELECT value FROM json_each(?))",
            (json.dumps(list(stems)),),
        )
        return dict(rows.fetchall())

    def language_texts(self) -> Iterator[str]:
        """Titles, headings and sentences in order of ingest, for building a language model."""
        connection = self._connection()
        for (title,) in connection.execute("SELECT DISTINCT title FROM documents ORDER BY id"):
            yield title
        before = ""
        for heading, body in connection.execute("SELECT heading, body FROM passages ORDER BY id"):
            if heading != before:
                yield from filter(None, heading.split(HEADING_SEPARATOR))
            before = heading
            yield from body.split(SENTENCE_SEPARATOR)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection, all of whose answers are as of one moment."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    def marking(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction that leaves the documents, and so the generation, as they are.

        Raises StoreError by the disk.
        """
        return self._transaction(grows=False)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path)
            self._local.connection = connection
            with self._guard:
                self._connections.append(connection)
        return connection

    @contextmanager
    def _transaction(self, *, grows: bool = True) -> Iterator[sqlite3.Connection]:
        """All or nothing; `grows` the generation when it commits. Raises StoreError by the disk."""
        with self._writing:
            connection = self._connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute(
                    "UPDATE meta SET value = CAST(value AS INTEGER) + ? WHERE name='generation'",
                    (int(grows),),
                )
                connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise StoreError(f"{self.path} cannot be written ({error})") from None
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
