"""Writes documents through an open transaction, so that what did not change keeps its id.

It opens and commits nothing: see rag/store.py.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.chunk import Passage
from rag.embedding import Vectors

HEADING_SEPARATOR = "\n"
SENTENCE_SEPARATOR = "\n"
DEFAULT_COLLECTION = "default"


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document as stored. `name`, its path below `root` or its file name, is what is cited.

    `folder` is the folder part of `name`, "" for none, with forward slashes. `tags` are all of
    the document's, sorted; `given_tags` are those among them that came with the command.
    `modified_at` is in seconds since 1970; `size_bytes` is 0 where nothing is known of a file.
    """

    path: str
    root: str
    name: str
    title: str
    sha256: str
    collection: str = DEFAULT_COLLECTION
    folder: str = ""
    tags: tuple[str, ...] = ()
    given_tags: tuple[str, ...] = ()
    modified_at: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document to put in place of the one of the same path.

    `kept` names for each passage the stored one that it equals, which keeps its id and vector, or
    None; `vectors`, shape (how many are None, dimension), are those of the others, in order.
    """

    record: DocumentRecord
    passages: Sequence[Passage]
    kept: Sequence[int | None]
    vectors: Vectors


DOCUMENT_COLUMNS = (
    "path, root, name, title, sha256, collection, folder, tags, given_tags, modified_at, size_bytes"
)


def document_record(row: Sequence[str | int]) -> DocumentRecord:
    """From the columns DOCUMENT_COLUMNS."""
    path, root, name, title, sha256, collection, folder, tags, given = map(str, row[:9])
    return DocumentRecord(
        path, root, name, title, sha256, collection, folder, _listed(tags), _listed(given),
        int(row[9]), int(row[10]),
    )  # fmt: skip


def passage_from(title: str, heading: str, position: int, body: str) -> Passage:
    """From the columns title, heading, position, body."""
    headings = tuple(heading.split(HEADING_SEPARATOR)) if heading else ()
    return Passage(title, headings, position, tuple(body.split(SENTENCE_SEPARATOR)))


def match_passages(
    connection: sqlite3.Connection, path: str, passages: Sequence[Passage]
) -> list[int | None]:
    """For each passage the id of a stored one of this document with the same words, or None.

    Same words give the same vector, so such a passage need not be embedded again.
    """
    rows = connection.execute(
        "SELECT passages.id, passages.title, heading, body FROM passages "
        "JOIN documents ON documents.id = document_id WHERE path=? ORDER BY position DESC",
        (path,),
    )
    stored: dict[tuple[str, str, str], list[int]] = {}
    for passage_id, *words in rows:
        stored.setdefault((words[0], words[1], words[2]), []).append(passage_id)
    found = (stored.get(_words_of(passage)) for passage in passages)
    return [ids.pop() if ids else None for ids in found]


def write_document(connection: sqlite3.Connection, change: DocumentChange) -> None:
    """Four statements, however many passages: the document, what goes, what moves, what comes."""
    document_id = _write_record(connection, change.record)
    kept = [
        (position, passage_id)
        for position, passage_id in enumerate(change.kept)
        if passage_id is not None
    ]
    connection.execute(
        "DELETE FROM passages WHERE document_id=? AND id NOT IN (SELECT value FROM json_each(?))",
        (document_id, json.dumps([passage_id for _, passage_id in kept])),
    )
    connection.executemany(
        "UPDATE passages SET position=? WHERE id=? AND position != ?",
        [(change.passages[n].position, number, change.passages[n].position) for n, number in kept],
    )
    added = [p for p, number in zip(change.passages, change.kept, strict=True) if number is None]
    _add_passages(connection, document_id, added, change.vectors)


def _write_record(connection: sqlite3.Connection, record: DocumentRecord) -> int:
    row = (
        record.path, record.root, record.name, record.title, record.sha256, record.collection,
        record.folder, ",".join(record.tags), ",".join(record.given_tags), record.modified_at,
        record.size_bytes,
    )  # fmt: skip
    columns = DOCUMENT_COLUMNS.split(", ")
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    written = connection.execute(
        f"INSERT INTO documents({DOCUMENT_COLUMNS}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT(path) DO UPDATE SET {updates} RETURNING id",
        row,
    )
    return int(written.fetchone()[0])


def _add_passages(
    connection: sqlite3.Connection, document_id: int, passages: Sequence[Passage], vectors: Vectors
) -> None:
    first = _next_passage_id(connection)
    blobs = np.ascontiguousarray(vectors, dtype="<f4")
    connection.executemany(
        "INSERT INTO passages(id, document_id, position, title, heading, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (first + number, document_id, passage.position, *_words_of(passage))
            for number, passage in enumerate(passages)
        ],
    )
    connection.executemany(
        "INSERT INTO vectors(passage_id, vector) VALUES (?, ?)",
        ((first + number, blob.tobytes()) for number, blob in enumerate(blobs)),
    )


def _next_passage_id(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='passages'").fetchone()
    return int(row[0]) + 1 if row else 1


def _words_of(passage: Passage) -> tuple[str, str, str]:
    heading = HEADING_SEPARATOR.join(passage.headings)
    return (passage.title, heading, SENTENCE_SEPARATOR.join(passage.sentences))


def _listed(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()
