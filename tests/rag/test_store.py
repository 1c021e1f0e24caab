"""The store keeps documents whole, counts generations and refuses what does not fit."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.chunk import Passage
from rag.lock import StoreBusyError, exclusive
from rag.schema import StoreError, StoreMismatchError
from rag.store import DocumentRecord, Store
from tests.fakes_rag import WordEmbedder, add_document, open_store


def test_what_is_stored_comes_back(store: Store, embedder: WordEmbedder) -> None:
    """Passages, vectors, documents and counts are as they were put in."""
    passage = Passage("Boats", ("Fares", "Adults"), 0, ("One.", "Two."))
    record = DocumentRecord("/d/boats.md", "/d", "boats.md", "Boats", "abc")
    vectors = embedder.embed(["boats"])
    store.replace_document(record, [passage], vectors)
    table = store.vector_table()
    (number,) = table.ids.tolist()
    assert store.fetch([number])[number].passage == passage
    assert store.fetch([number])[number].document == "boats.md"
    np.testing.assert_array_equal(store.vectors([number])[number], vectors[0])
    np.testing.assert_array_equal(table.vectors, vectors)
    assert store.documents() == [record]
    assert (store.counts().documents, store.counts().passages) == (1, 1)


def test_generation_grows_with_every_change(store: Store, embedder: WordEmbedder) -> None:
    """Whoever keeps something made from the store can tell that it has changed."""
    assert store.generation() == 0
    add_document(store, embedder, "a.md", ["One."])
    add_document(store, embedder, "a.md", ["Two."])
    assert store.generation() == store.vector_table().generation == 2
    store.remove_documents(["/documents/a.md"])
    assert store.generation() == 3
    store.remove_documents([])
    assert store.generation() == 3


def test_replacing_forgets_the_old_words_and_never_reuses_ids(
    store: Store, embedder: WordEmbedder
) -> None:
    """After a replacement the old text is found nowhere, and its ids stay dead."""
    add_document(store, embedder, "a.md", ["Puffins nest here."])
    before = store.lexical_search('"puffin"', 10)
    add_document(store, embedder, "a.md", ["Seals rest here."])
    assert store.lexical_search('"puffin"', 10) == []
    after = store.lexical_search('"seal"', 10)
    assert len(after) == 1
    assert after[0] > before[0]
    assert store.fetch(before) == {}
    store.remove_documents(["/documents/a.md"])
    assert store.vector_table().ids.size == 0
    add_document(store, embedder, "b.md", ["More."])
    assert store.vector_table().ids.tolist() > after


def test_headings_weigh_more_than_text(store: Store, embedder: WordEmbedder) -> None:
    """A passage about a word ranks over one that mentions it."""
    add_document(store, embedder, "a.md", ["The dogs sleep.", "Other words stand here too."])
    add_document(store, embedder, "b.md", ["Keep them on a lead at all times."], heading="Dogs")
    best = store.fetch(store.lexical_search('"dog"', 1))
    assert [one.document for one in best.values()] == ["b.md"]


def test_wrong_vectors_leave_the_old_document(store: Store, embedder: WordEmbedder) -> None:
    """A document is replaced whole or not at all."""
    add_document(store, embedder, "a.md", ["Old."])
    record = DocumentRecord("/documents/a.md", "/documents", "a.md", "A", "new")
    with pytest.raises(ValueError, match="vectors of shape"):
        store.replace_document(record, [], embedder.embed(["x"]))
    assert store.documents()[0].sha256 == "hash of a.md"


def test_failure_inside_a_transaction_rolls_back(store: Store, embedder: WordEmbedder) -> None:
    """An error half-way leaves the old document, its words and the generation."""
    add_document(store, embedder, "a.md", ["Old words."])
    broken = Passage("A", (), 0, ("bad \ud800 text",))
    record = DocumentRecord("/documents/a.md", "/documents", "a.md", "A", "new")
    with pytest.raises(UnicodeEncodeError):
        store.replace_document(record, [broken], embedder.embed(["x"]))
    assert store.generation() == 1
    assert len(store.lexical_search('"old"', 5)) == 1


def test_full_disk_is_a_clear_error_and_changes_nothing(
    store: Store, embedder: WordEmbedder
) -> None:
    """A write that finds no room names the store; what was there goes on serving."""
    add_document(store, embedder, "a.md", ["Old words."])
    pages = store._connection().execute("PRAGMA page_count").fetchone()[0]
    store._connection().execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match=r"store\.sqlite3 cannot be written"):
        add_document(store, embedder, "b.md", ["many words " * 5000])
    assert [record.name for record in store.documents()] == ["a.md"]
    assert store.generation() == 1


def test_another_embedder_is_refused(tmp_path: Path) -> None:
    """Vectors that do not compare are never mixed, and the message names the command."""
    with open_store(tmp_path, WordEmbedder()):
        pass
    for other in (WordEmbedder(dimension=32), WordEmbedder(fingerprint="words-2")):
        with pytest.raises(StoreMismatchError, match="parley ingest"):
            open_store(tmp_path, other)


def test_damaged_and_newer_stores_are_refused(tmp_path: Path) -> None:
    """A file that is no store, and a store of another schema, each name themselves."""
    embedder = WordEmbedder()
    (tmp_path / "store.sqlite3").write_bytes(b"this is not a database, it is text" * 100)
    with pytest.raises(StoreError, match=r"store\.sqlite3 cannot be used"):
        open_store(tmp_path, embedder)
    (tmp_path / "store.sqlite3").unlink()
    with open_store(tmp_path, embedder) as store:
        store._connection().execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="schema 99"):
        open_store(tmp_path, embedder)


def test_readers_in_many_threads_while_one_writes(store: Store, embedder: WordEmbedder) -> None:
    """Readers never see half a document and never fail while another thread writes."""
    add_document(store, embedder, "a.md", ["word 0", "word 0"])
    problems: list[object] = []
    is_done = threading.Event()

    def read() -> None:
        while not is_done.is_set():
            table = store.vector_table()
            for stored in store.fetch(table.ids.tolist()).values():
                if len(set(stored.passage.sentences)) != 1 or len(table.ids) > 1:
                    problems.append(stored)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        add_document(store, embedder, "a.md", [f"word {number}"] * 2)
    is_done.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_language_texts_are_titles_headings_and_sentences(
    store: Store, embedder: WordEmbedder
) -> None:
    """What the recogniser should expect to hear, in order."""
    add_document(store, embedder, "boats.md", ["One.", "Two."], heading="Fares")
    add_document(store, embedder, "birds.md", ["Three."])
    assert list(store.language_texts()) == ["Boats", "Birds", "Fares", "One.", "Two.", "Three."]


def test_counting_stems(store: Store, embedder: WordEmbedder) -> None:
    """Only stems that occur are counted, by passage."""
    add_document(store, embedder, "a.md", ["Ferries and ferries."])
    add_document(store, embedder, "b.md", ["A ferry."])
    assert store.passages_with(["ferri", "absent"]) == {"ferri": 2}
    assert store.lexical_search("", 5) == []


HOLD_LOCK = """
import sys
from pathlib import Path
from rag.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_writer_is_refused_by_name_until_the_first_dies(tmp_path: Path) -> None:
    """The lock names its holder and is free again once the holder is killed."""
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusyError, match=f"process {holder.pid}"), exclusive(path):
            pass
        holder.kill()
        holder.wait()
    with exclusive(path):
        assert path.read_text() == str(os.getpid())
