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
from rag.store import DocumentChange, DocumentRecord, Store
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


def passages_of(*sentences: str) -> list[Passage]:
    return [Passage("A", (), number, (words,)) for number, words in enumerate(sentences)]


def replace(store: Store, embedder: WordEmbedder, *sentences: str) -> list[int]:
    """Put a document of these one-sentence passages in place; its passage ids in order."""
    passages = passages_of(*sentences)
    record = DocumentRecord("/d/a.md", "/d", "a.md", "A", " ".join(sentences))
    store.replace_document(record, passages, embedder.embed([one.text for one in passages]))
    stored = store.fetch(store.vector_table().ids.tolist()).values()
    return [one.passage_id for one in sorted(stored, key=lambda one: one.passage.position)]


def test_unchanged_passages_of_a_changed_document_keep_their_ids(
    store: Store, embedder: WordEmbedder
) -> None:
    """Words that moved keep id and vector, repeated ones too; only what is new has a new id."""
    first = replace(store, embedder, "One.", "Two.", "Two.", "Three.")
    second = replace(store, embedder, "Zero.", "Two.", "Three.", "Two.", "One.")
    assert second[1:] == [first[1], first[3], first[2], first[0]]
    assert second[0] > max(first)
    texts = [store.fetch([number])[number].passage.text for number in second]
    assert texts == ["Zero.", "Two.", "Three.", "Two.", "One."]
    for number, text in zip(second, texts, strict=True):
        np.testing.assert_array_equal(store.vectors([number])[number], embedder.embed([text])[0])
    assert sorted(store.lexical_search('"two"', 9)) == sorted([first[1], first[2]])


def test_changes_since_a_generation(store: Store, embedder: WordEmbedder) -> None:
    """What came and what went, and nothing of what came and went in between."""
    first = replace(store, embedder, "One.", "Two.")
    generation = store.generation()
    replace(store, embedder, "One.", "Between.")
    last = replace(store, embedder, "One.", "Three.")
    changes = store.changes_since(generation, max(first))
    assert changes.added.ids.tolist() == [last[1]]
    np.testing.assert_array_equal(changes.added.vectors, embedder.embed(["Three."]))
    assert changes.removed.tolist() == [first[1]]
    assert changes.added.generation == store.generation()
    assert store.changes_since(store.generation(), last[1]).removed.size == 0


def test_many_documents_in_one_transaction(store: Store, embedder: WordEmbedder) -> None:
    """A batch is written whole, with one new generation; a wrong one changes nothing."""
    replace(store, embedder, "Old.")
    record = DocumentRecord("/d/b.md", "/d", "x/b.md", "B", "b", "birds", "x", ("t", "u"), ("u",))
    passages = passages_of("One.", "Two.")
    right = DocumentChange(record, passages, [None, None], embedder.embed(["One.", "Two."]))
    with pytest.raises(ValueError, match="for 1 passages"):
        store.write([right, DocumentChange(record, passages, [1, None], right.vectors)])
    assert store.generation() == 1
    store.write([right], removed=["/d/a.md"])
    assert (store.generation(), store.documents()) == (2, [record])
    assert store.counts().passages == 2
