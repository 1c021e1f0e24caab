"""Collections, tags, dry runs, long documents and watching, all by the same ingest."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.embedding import Vectors
from rag.ingest import ingest
from rag.ingest_report import IngestOptions, Progress
from rag.ingest_watch import FolderWatch
from rag.store import Store
from tests.fakes_rag import WordEmbedder


class CountingEmbedder(WordEmbedder):
    """Notes the texts that it embeds."""

    def __init__(self, fails_at: int = 0) -> None:
        super().__init__(fails_at=fails_at)
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = super().embed(texts)
        self.texts.extend(texts)
        return vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    (made / "birds").mkdir(parents=True)
    (made / "boats.md").write_text("---\ntags: Sea, fares\n---\n# Boats\n\nAt nine.\n")
    (made / "birds" / "seals.txt").write_text("Seals rest here.")
    return made


def test_documents_carry_collection_folder_tags_time_and_size(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """What filters look at; a document's own tags and the given ones are joined."""
    os.utime(folder / "boats.md", (1_700_000_000, 1_700_000_000.9))
    ingest([folder], store, embedder, options=IngestOptions("board", ("2026", "sea")))
    seals, boats = store.documents()
    assert (boats.collection, boats.folder, boats.tags) == ("board", "", ("2026", "fares", "sea"))
    assert (seals.collection, seals.folder, seals.tags) == ("board", "birds", ("2026", "sea"))
    assert boats.modified_at == 1_700_000_000
    assert boats.size_bytes == (folder / "boats.md").stat().st_size


def test_collection_and_tags_stay_unless_given_anew(store: Store, folder: Path) -> None:
    """A plain run keeps them, a changed file too; new ones are taken without embedding again."""
    embedder = CountingEmbedder()
    ingest([folder], store, embedder, options=IngestOptions("board", ("old",)))
    (folder / "boats.md").write_text("---\ntags: sea\n---\n# Boats\n\nAt ten.\n")
    report = ingest([folder], store, embedder)
    assert (report.read, report.skipped_unchanged) == (1, 1)
    assert [record.collection for record in store.documents()] == ["board", "board"]
    assert store.documents()[1].tags == ("old", "sea")
    before = (store.vector_table().ids.tolist(), len(embedder.texts))
    report = ingest([folder], store, embedder, options=IngestOptions("public", ("new",)))
    assert (report.read, report.embedded) == (2, 0)
    assert [record.tags for record in store.documents()] == [("new",), ("new", "sea")]
    assert (store.vector_table().ids.tolist(), len(embedder.texts)) == before


def test_changed_file_is_embedded_passage_by_passage(store: Store, folder: Path) -> None:
    """Only the section that changed is embedded; the others keep their ids."""
    sections = {name: f"## {name}\n\nWords of {name}.\n\n" for name in "abcdef"}
    path = folder / "long.md"
    path.write_text("# Long\n\n" + "".join(sections.values()))
    embedder = CountingEmbedder()
    ingest([path], store, embedder)
    before = store.vector_table().ids.tolist()
    embedder.texts.clear()
    sections["c"] = "## c\n\nOther words.\n\n"
    path.write_text("# Long\n\n" + "".join(sections.values()))
    report = ingest([path], store, embedder)
    assert (report.passages, report.embedded) == (6, 1)
    assert embedder.texts == ["Long. c. Other words."]
    assert len(set(store.vector_table().ids.tolist()) & set(before)) == 5


def test_dry_run_tells_everything_and_changes_nothing(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """What would be read, skipped, removed and fail; no vector, no new generation."""
    (folder / "gone.md").write_text("Gone soon.")
    ingest([folder], store, embedder)
    before = (store.generation(), store.documents(), embedder.calls)
    (folder / "gone.md").unlink()
    (folder / "boats.md").write_text("# Boats\n\nAt ten.\n")
    (folder / "birds" / "seals.txt").write_text("")
    (folder / "new.md").write_text("New words.")
    (folder / "bad.md").write_bytes(b"\xff\0")
    report = ingest([folder], store, embedder, options=IngestOptions(dry_run=True))
    assert report.is_dry_run
    assert (report.read, report.passages, report.embedded, report.removed) == (2, 2, 2, 1)
    assert len(report.failed) == 2
    assert (store.generation(), store.documents(), embedder.calls) == before


def test_interrupted_long_document_goes_on_inside(store: Store, folder: Path) -> None:
    """Vectors made before the interruption are not made again, and are forgotten at the end."""
    text = "".join(f"## Part {number}\n\nWords {number}.\n\n" for number in range(20))
    (folder / "long.md").write_text(f"# Long\n\n{text}")
    broken, options = CountingEmbedder(fails_at=4), IngestOptions(workers=1, batch_passages=4)
    with pytest.raises(RuntimeError, match="embedder broke"):
        ingest([folder / "long.md"], store, broken, options=options)
    assert store.counts().documents == 0
    # A batch may be at work beside the one that breaks.
    assert len(broken.texts) in (12, 16)
    embedder = CountingEmbedder()
    told: list[Progress] = []
    report = ingest([folder / "long.md"], store, embedder, told.append, options=options)
    assert (report.passages, len(embedder.texts)) == (20, 20 - report_kept(broken, embedder))
    table = store.vector_table()
    stored = store.fetch(table.ids.tolist())
    for number, vector in zip(table.ids.tolist(), table.vectors, strict=True):
        expected = WordEmbedder().embed([stored[number].passage.embedding_text])[0]
        assert (vector == expected).all()
    assert store._connection().execute("SELECT count(*) FROM prepared_vectors").fetchone() == (0,)
    assert told[-1].done == 1


def report_kept(broken: CountingEmbedder, embedder: CountingEmbedder) -> int:
    """How many texts were embedded before the interruption and not again: some were."""
    kept = len(set(broken.texts) - set(embedder.texts))
    assert kept >= 4
    return kept


def test_watch_waits_until_files_stand_still(folder: Path) -> None:
    """Nothing without a change; a change counts once it has been seen twice alike."""
    watch = FolderWatch([folder])
    watch.take()
    assert not watch.has_settled()
    (folder / "new.md").write_text("New.")
    assert not watch.has_settled()
    (folder / "new.md").write_text("New words.")
    assert not watch.has_settled()
    assert watch.has_settled()
    watch.take()
    assert not watch.has_settled()
    (folder / "new.md").unlink()
    assert not watch.has_settled()
    assert watch.has_settled()


def test_watch_sees_what_keeps_its_time_and_size(folder: Path) -> None:
    """A file put in place of another of the same size and time is another file."""
    watch = FolderWatch([folder])
    watch.take()
    path = folder / "boats.md"
    status, content = path.stat(), path.read_text()
    (folder / "other.part").write_text(content.replace("nine", "four"))
    os.utime(folder / "other.part", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "other.part").replace(path)
    assert not watch.has_settled()
    assert watch.has_settled()
