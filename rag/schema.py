"""The tables of the store, the checks when one is opened, and the way from older tables to these.

It handles no documents.
"""

import posixpath
import sqlite3
from pathlib import Path

SCHEMA_VERSION = 2

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process's transaction before it fails."""

_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    collection TEXT NOT NULL DEFAULT 'default',
    folder TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    given_tags TEXT NOT NULL DEFAULT '',
    modified_at INTEGER NOT NULL DEFAULT 0,
    size_bytes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX documents_by_root ON documents(root);
CREATE TABLE passages(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    heading TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX passages_by_document ON passages(document_id);
CREATE TABLE vectors(
    passage_id INTEGER PRIMARY KEY REFERENCES passages(id) ON DELETE CASCADE,
    vector BLOB NOT NULL
);
CREATE VIRTUAL TABLE passage_words USING fts5(
    title, heading, body, content='passages', content_rowid='id', tokenize='porter unicode61'
);
CREATE VIRTUAL TABLE passage_terms USING fts5vocab(passage_words, row);
CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO passage_words(rowid, title, heading, body)
    VALUES (new.id, new.title, new.heading, new.body);
END;
"""

_SINCE_2 = """
CREATE INDEX documents_by_collection ON documents(collection, folder);
CREATE TABLE tombstones(passage_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE INDEX tombstones_by_generation ON tombstones(generation);
CREATE TABLE prepared_vectors(sha256 TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TRIGGER passage_removed AFTER DELETE ON passages BEGIN
    INSERT INTO passage_words(passage_words, rowid, title, heading, body)
    VALUES ('delete', old.id, old.title, old.heading, old.body);
    INSERT INTO tombstones(passage_id, generation)
    VALUES (old.id, (SELECT CAST(value AS INTEGER) + 1 FROM meta WHERE name = 'generation'));
END;
"""
"""A tombstone bears the generation that the removal makes; prepared vectors are those of a long
document that is not whole yet, kept so that an interrupted ingest need not embed them again."""

_FROM_1 = """
ALTER TABLE documents ADD COLUMN collection TEXT NOT NULL DEFAULT 'default';
ALTER TABLE documents ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN given_tags TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER passage_removed;
"""


_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_FORMAT")
"""SQLITE_ERROR is what a damaged schema is called at the start, where all statements are known."""


class StoreError(Exception):
    """The store cannot be used; the text says what to do."""


class StoreMismatchError(StoreError):
    """The store's vectors were made by another embedder, so they do not compare with this one's."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection with write-ahead logging, in autocommit mode, closable by any thread."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreError(unusable(path, error)) from None
    return connection


def prepare(connection: sqlite3.Connection, path: Path, fingerprint: str, dimension: int) -> None:
    """Create the tables in an empty file or bring older ones up, then check the embedder.

    Raises StoreMismatchError or StoreError, both of which name the command that helps.
    """
    try:
        if _version(connection) < SCHEMA_VERSION:
            _bring_up(connection, fingerprint, dimension)
        version = _version(connection)
        meta = dict(connection.execute("SELECT name, value FROM meta"))
    except sqlite3.DatabaseError as error:
        raise StoreError(unusable(path, error)) from None
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} was made by a newer Parley (schema {version}, this one reads up to "
            f"{SCHEMA_VERSION}). Update Parley, or make it anew. {how_to_make_anew(path)}"
        )
    _check_embedder(meta, path, fingerprint, dimension)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _bring_up(connection: sqlite3.Connection, fingerprint: str, dimension: int) -> None:
    """One transaction: another process that opens the store meanwhile waits for it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version == 0:
            _create(connection, fingerprint, dimension)
        elif version == 1:
            _migrate_from_1(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _create(connection: sqlite3.Connection, fingerprint: str, dimension: int) -> None:
    _run(connection, _TABLES + _SINCE_2)
    meta = {"generation": "0", "embedder": fingerprint, "dimension": str(dimension)}
    connection.executemany("INSERT INTO meta(name, value) VALUES (?, ?)", meta.items())
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _migrate_from_1(connection: sqlite3.Connection) -> None:
    """Passages, ids and vectors stay. A size of 0 bytes makes the next ingest read a file again."""
    _run(connection, _FROM_1 + _SINCE_2)
    names = connection.execute("SELECT id, name FROM documents").fetchall()
    connection.executemany(
        "UPDATE documents SET folder = ? WHERE id = ?",
        [(posixpath.dirname(name), number) for number, name in names],
    )
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        connection.execute(statement)


def _statements(script: str) -> list[str]:
    """executescript() would commit the open transaction, so the statements go one by one."""
    statements: list[str] = []
    pending = ""
    for line in script.strip().splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements


def _check_embedder(meta: dict[str, str], path: Path, fingerprint: str, dimension: int) -> None:
    made_by = (meta.get("embedder"), meta.get("dimension"))
    if made_by != (fingerprint, str(dimension)):
        raise StoreMismatchError(
            f"{path} was made with the embedder {made_by[0]} ({made_by[1]} values a vector), not "
            f"with {fingerprint} ({dimension}). {how_to_make_anew(path)}"
        )


def unusable(path: Path, error: sqlite3.DatabaseError) -> str:
    """Tell why SQLite cannot use a store and what helps; not in its words, which may quote one.

    Nobody is told to delete a store that is only locked, or on a full disk.
    """
    # None where Python itself found it: text that is no UTF-8.
    name = getattr(error, "sqlite_errorname", None)
    if name is None or name.startswith(_DAMAGED):
        shown = name or type(error).__name__
        return f"{path} cannot be used as a store ({shown}). {how_to_make_anew(path)}"
    return f"{path} cannot be used now ({name}): is the disk full, or another process at work?"


def how_to_make_anew(path: Path) -> str:
    """Tell what to type when a store cannot be used any more."""
    return f"Delete {path} and read your documents again: parley ingest PATH..."
