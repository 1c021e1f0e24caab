"""Whatever stands in a folder, each trouble is a line with the file's name and the rest is read."""

import os
import subprocess
from pathlib import Path

from rag.ingest import ingest
from rag.ingest_report import IngestOptions, IngestReport, Progress, shown
from rag.read_pool import ReadLimits
from rag.store import Store
from tests.fakes_rag import WordEmbedder, open_store
from tests.rag.archives import make_bomb, make_endless_pdf, make_epub


def reasons(report: IngestReport) -> dict[str, str]:
    return {Path(failure.path).name: failure.reason for failure in report.failed}


def make_documents(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:05}.md").write_text(f"# Note {number}\n\nPuffin {number} nests here.\n")
    return folder


def test_bad_files_of_every_kind_beside_good_ones(
    store: Store, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """Bombs, giant lines, wrong encodings and odd names: a line for each, and the good are read."""
    folder = make_documents(tmp_path / "all", 3)
    make_bomb(folder / "bomb.docx", 40_000_000)
    make_bomb(folder / "bomb.epub", 60_000_000)
    (folder / "line.txt").write_text("x" * 2_000_000)
    with (folder / "giant.txt").open("wb") as giant:
        giant.truncate(200_000_000)
    (folder / "latin.csv").write_bytes("prix,café\n1,2\n".encode("latin-1"))
    (folder / "one.txt").write_text("Word")
    (folder / "odd\nname.pdf").write_bytes(b"nothing")
    make_epub(folder / "good.epub")
    report = ingest([folder], store, embedder)
    assert report.read == 5
    found = reasons(report)
    assert set(found) == {
        "bomb.docx", "bomb.epub", "line.txt", "giant.txt", "latin.csv", "odd\\nname.pdf",
    }  # fmt: skip
    assert "200000000 bytes, more than the limit" in found["giant.txt"]
    assert "a line of more than" in found["line.txt"]
    assert "\n" not in "".join(failure.path for failure in report.failed)


def test_empty_folder_and_folder_of_other_kinds_say_so(
    store: Store, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """Nothing to read is told by the folder's name; documents that were there are forgotten."""
    folder = make_documents(tmp_path / "all", 1)
    ingest([folder], store, embedder)
    (folder / "00000.md").rename(folder / "00000.png")
    report = ingest([folder], store, embedder)
    assert reasons(report) == {"all": "the folder holds no file of a kind that is read"}
    assert (report.removed, store.counts().documents) == (1, 0)


def test_file_that_takes_too_long_does_not_stop_the_rest(
    store: Store, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """A PDF that would be parsed for ever is killed at its limit and reported by name.

    The good files are plain text, which takes no parser to load and so no noticeable time.
    """
    folder = tmp_path / "all"
    folder.mkdir()
    for name in ("1.txt", "2.txt"):
        (folder / name).write_text("Puffins nest here.")
    make_endless_pdf(folder / "00000.pdf")
    options = IngestOptions(limits=ReadLimits(seconds=4))
    report = ingest([folder], store, embedder, options=options)
    assert reasons(report) == {"00000.pdf": "reading it takes more than 4 s"}
    assert report.read == 2


def test_full_disk_is_told_by_file_and_a_later_run_goes_on(
    store: Store, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """The report names the files that found no room; what was stored serves; nothing is double."""
    folder = make_documents(tmp_path / "all", 40)
    ingest([folder / "00000.md"], store, embedder)
    connection = store._connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 4}")
    options = IngestOptions(workers=1, batch_passages=4)
    report = ingest([folder], store, embedder, options=options)
    assert "cannot be written" in report.stopped
    assert report.failed
    assert all("full" in reason for reason in reasons(report).values())
    assert report.not_reached == 40 - report.read - report.skipped_unchanged > 0
    assert store.counts().documents == 1 + report.read
    assert len(store.lexical_search('"puffin"', 99)) == store.counts().passages
    connection.execute("PRAGMA max_page_count=1000000")
    again = ingest([folder], store, embedder)
    assert again.skipped_unchanged == 1 + report.read
    assert (store.counts().documents, store.counts().passages) == (40, 40)


def test_disk_that_is_really_full(small_disk: Path, embedder: WordEmbedder, tmp_path: Path) -> None:
    """On a file system without room the store goes on answering and the report says why."""
    folder = make_documents(tmp_path / "all", 1200)
    with open_store(small_disk, embedder) as store:
        report = ingest([folder], store, embedder, options=IngestOptions(batch_passages=64))
        assert "cannot be written" in report.stopped
        assert 0 < report.read < 1200
        assert store.counts().documents == report.read
        assert len(store.lexical_search('"puffin"', 9999)) == report.read
        assert store.vector_table().ids.size == report.read
        with store.exclusive_writer():
            pass


def test_folders_deeper_than_the_stack(
    store: Store, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """A walk does not overflow, and what no path can name any more is reported."""
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("deep.md").write_text("Deep words.")
    finally:
        os.chdir(here)
    (tmp_path / "top.md").write_text("Top words.")
    report = ingest([tmp_path], store, embedder)
    assert [record.name for record in store.documents()][-1] == "top.md"
    assert report.read + len(report.failed) == 2
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_many_small_files(store: Store, embedder: WordEmbedder, tmp_path: Path) -> None:
    """A thousand files take few transactions and few calls; benchmarks.ingest has 10,000."""
    folder = make_documents(tmp_path / "all", 1000)
    told: list[Progress] = []
    report = ingest([folder], store, embedder, told.append)
    assert (report.read, report.failed, store.counts().passages) == (1000, (), 1000)
    assert store.generation() == embedder.calls == 16
    assert [progress.done for progress in told] == list(range(1, 1001))
    assert told[-1].bytes_done == told[-1].bytes_total
    assert told[-1].left_s == 0
    assert ingest([folder], store, embedder).skipped_unchanged == 1000


def test_names_are_shown_on_one_line() -> None:
    """Newlines, controls and bytes that are no text are escaped; the rest is as it is."""
    assert shown("/a/é b.md") == "/a/é b.md"
    assert shown("a\nb\x1b[0m\udcff.md") == "a\\nb\\x1b[0m\\udcff.md"
