"""A killed ingest leaves a whole store, and the check itself sees a store that is not."""

import sqlite3
from pathlib import Path
from random import Random

import psutil
import pytest

from benchmarks.ingest_kills import (
    Corpus,
    kill_often,
    problems_after_kill,
    problems_at_end,
    resume,
)
from rag.read_pool import ReadLimits, ReadPool


def test_a_few_kills_leave_a_consistent_store(tmp_path: Path) -> None:
    """Four kills at random; python -m benchmarks.ingest_kills has sixty."""
    result = kill_often(tmp_path, kills=4, documents=20, seed=1)
    assert result.problems == ()
    assert result.consistent == result.resumed_without_duplicates == result.kills
    assert result.kills > 0


DAMAGES: list[tuple[str, str]] = [
    ("DELETE FROM vectors WHERE passage_id = 1", "passages without vectors"),
    ("UPDATE vectors SET vector = zeroblob(128) WHERE passage_id = 1", "not those of their"),
    ("INSERT INTO passage_words(rowid, body) VALUES (999999, 'x')", "malformed"),
    ("DELETE FROM passages WHERE id = (SELECT min(id) FROM passages)", "neither its old nor"),
]


@pytest.mark.parametrize(("statement", "problem"), DAMAGES)
def test_the_check_sees_damage(tmp_path: Path, statement: str, problem: str) -> None:
    """Each kind of mixture or loss is found, else sixty of sixty would say nothing."""
    corpus = Corpus(tmp_path / "documents", 5, Random(1))
    corpus.change()
    store_path = tmp_path / "store.sqlite3"
    resume(corpus.folder, store_path)
    contents = corpus.contents()
    assert problems_after_kill(store_path, {}, contents) == []
    assert problems_at_end(store_path, contents) == []
    connection = sqlite3.connect(store_path)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert problem in " ".join(problems_after_kill(store_path, {}, contents))
    assert problems_at_end(store_path, contents)


def test_readers_end_with_the_ingest_that_started_them(tmp_path: Path) -> None:
    """A reader whose parent was killed finds its socket closed and ends by itself."""
    (tmp_path / "a.md").write_text("Words.")
    pool = ReadPool(ReadLimits())
    pool.read(tmp_path / "a.md")
    (reader,) = pool._all
    process = psutil.Process(reader._process.pid)
    reader._socket.close()
    assert process.wait(timeout=30) == 0
    pool.close()
