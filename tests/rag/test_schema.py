"""A store of schema 1 is brought up whole or not at all, and keeps what it held."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from rag.chunk import Passage
from rag.schema import StoreError
from rag.store import DocumentRecord
from tests.fakes_rag import WordEmbedder, open_store

SCHEMA_1 = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    sha256 TEXT NOT NULL
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
CREATE TRIGGER passage_removed AFTER DELETE ON passages BEGIN
    INSERT INTO passage_words(passage_words, rowid, title, heading, body)
    VALUES ('delete', old.id, old.title, old.heading, old.body);
END;
"""


def make_store_of_schema_1(path: Path, embedder: WordEmbedder) -> None:
    """As Parley 0.1 wrote it, with one document of one passage, at generation 7."""
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA_1)
    meta = {"generation": "7", "embedder": embedder.fingerprint, "dimension": "64"}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute(
        "INSERT INTO documents VALUES (3, '/d/birds/a.md', '/d', 'birds/a.md', 'A', 'hash')"
    )
    connection.execute("INSERT INTO passages VALUES (5, 3, 0, 'A', 'H', 'Puffins nest.')")
    connection.execute(
        "INSERT INTO vectors VALUES (5, ?)", (embedder.embed(["Puffins nest."]).tobytes(),)
    )
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()


def test_older_store_is_migrated_and_keeps_everything(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    """Documents, ids, words, vectors and the generation stay; the new columns have their values."""
    make_store_of_schema_1(tmp_path / "store.sqlite3", embedder)
    with open_store(tmp_path, embedder) as store:
        assert store.documents() == [
            DocumentRecord("/d/birds/a.md", "/d", "birds/a.md", "A", "hash", folder="birds")
        ]
        assert store.generation() == 7
        assert store.fetch([5])[5].passage == Passage("A", ("H",), 0, ("Puffins nest.",))
        assert store.lexical_search('"puffin"', 5) == [5]
        np.testing.assert_array_equal(store.vectors([5])[5], embedder.embed(["Puffins nest."])[0])
        store.remove_documents(["/d/birds/a.md"])
        assert store.lexical_search('"puffin"', 5) == []
        assert store.changes_since(7, 5).removed.tolist() == [5]
    with open_store(tmp_path, embedder) as store:
        assert store.generation() == 8


def test_migrated_and_new_stores_have_the_same_tables(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    """No query can tell an older store that was brought up from a new one."""
    (tmp_path / "old").mkdir()
    make_store_of_schema_1(tmp_path / "old" / "store.sqlite3", embedder)
    found = []
    for name in ("old", "new"):
        with open_store(tmp_path / name, embedder) as store:
            connection = store._connection()
            tables = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
            columns = connection.execute("PRAGMA table_info(documents)").fetchall()
            found.append((sorted(tables), columns))
    assert found[0] == found[1]


def test_failed_migration_leaves_the_older_store(tmp_path: Path, embedder: WordEmbedder) -> None:
    """An error half-way is told by name, and the file is as it was."""
    path = tmp_path / "store.sqlite3"
    make_store_of_schema_1(path, embedder)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE tombstones(other)")
    with pytest.raises(StoreError, match=r"store\.sqlite3 cannot be used"):
        open_store(tmp_path, embedder)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert len(connection.execute("PRAGMA table_info(documents)").fetchall()) == 6
    connection.execute("DROP TABLE tombstones")
    connection.close()
    with open_store(tmp_path, embedder) as store:
        assert store.counts().passages == 1
