"""An ingest makes the store agree with the files, and one bad file does not stop the rest."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rag.ingest import ingest
from rag.ingest_report import IngestOptions, IngestReport
from rag.lock import StoreBusyError
from rag.store import Store
from tests.fakes_rag import WordEmbedder, open_store

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    (made / "birds").mkdir(parents=True)
    (made / "boats.md").write_text("# Boats\n\nThe boat leaves at nine.\n")
    (made / "birds" / "boats.md").write_text("# Birds\n\nPuffins nest here.\n")
    return made


def names(store: Store) -> list[str]:
    return [record.name for record in store.documents()]


def reasons(report: IngestReport) -> dict[str, str]:
    return {Path(failure.path).name: failure.reason for failure in report.failed}


def test_folder_is_read_in_order_and_names_stay_apart(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """Files of one name in two folders are two documents, cited by their paths below the root."""
    done: list[tuple[int, int, str]] = []
    report = ingest(
        [folder], store, embedder, lambda p: done.append((p.done, p.total, p.path.name))
    )
    assert (report.read, report.passages, report.failed) == (2, 2, ())
    assert names(store) == ["birds/boats.md", "boats.md"]
    assert done == [(1, 2, "boats.md"), (2, 2, "boats.md")]
    assert report.seconds >= 0


def test_unchanged_files_are_skipped(store: Store, embedder: WordEmbedder, folder: Path) -> None:
    """A second ingest embeds nothing and changes no generation, whatever the files' times."""
    ingest([folder], store, embedder)
    before = (store.generation(), embedder.calls)
    os.utime(folder / "boats.md", (1, 1))
    report = ingest([folder, folder / "boats.md"], store, embedder)
    assert (report.read, report.skipped_unchanged) == (0, 2)
    assert (store.generation(), embedder.calls) == before


def test_changed_and_removed_files(store: Store, embedder: WordEmbedder, folder: Path) -> None:
    """Passages follow their file; those of other folders stay."""
    other = folder.parent / "other.txt"
    other.write_text("Something else.")
    ingest([folder, other], store, embedder)
    (folder / "boats.md").write_text("# Boats\n\nThe boat leaves at ten.\n")
    (folder / "birds" / "boats.md").unlink()
    report = ingest([folder], store, embedder)
    assert (report.read, report.removed) == (1, 1)
    assert sorted(names(store)) == ["boats.md", "other.txt"]
    assert store.lexical_search('"nine"', 5) == []
    assert len(store.lexical_search('"ten"', 5)) == 1


def test_a_named_file_that_is_gone_is_removed(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """Naming a deleted document forgets it; naming what never was is a failure."""
    ingest([folder], store, embedder)
    (folder / "boats.md").unlink()
    report = ingest([folder / "boats.md", folder / "never.md"], store, embedder)
    assert report.removed == 1
    assert reasons(report) == {"never.md": "it does not exist"}


def test_bad_files_are_reported_and_the_rest_goes_on(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """Each bad file has its cause in the report."""
    (folder / "binary.md").write_bytes(b"\x7fELF\0\0")
    (folder / "latin.txt").write_bytes(b"caf\xe9 at nine")
    (folder / "empty.md").write_text("")
    (folder / "huge.md").write_text("x " * 600)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "photo.jpg").write_bytes(b"jpg")
    (folder / ".hidden.md").write_text("secret")
    os.mkfifo(folder / "pipe.md")
    report = ingest([folder], store, embedder, options=IngestOptions(maximum_file_bytes=1000))
    assert report.read == 2
    assert [Path(path).name for path in report.unsupported] == ["photo.jpg"]
    found = reasons(report)
    assert sorted(found) == [
        "binary.md", "broken.pdf", "empty.md", "huge.md", "latin.txt", "pipe.md",
    ]  # fmt: skip
    assert "binary" in found["binary.md"]
    assert "UTF-8" in found["latin.txt"]
    assert "limit of 1000 bytes" in found["huge.md"]
    assert found["pipe.md"] == "it is not a regular file"


def test_unreadable_file_is_reported(
    store: Store, embedder: WordEmbedder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A permission or disk error names its cause."""

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rag.ingest_files.hash_file", refuse)
    report = ingest([folder], store, embedder)
    assert set(reasons(report).values()) == {"it cannot be read (Permission denied)"}


def test_a_file_gone_bad_keeps_its_previous_version(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """What was readable yesterday is still answered from; an emptied file is forgotten."""
    ingest([folder], store, embedder)
    (folder / "boats.md").write_bytes(b"\xff\xff\0")
    (folder / "birds" / "boats.md").write_text("")
    report = ingest([folder], store, embedder)
    assert len(report.failed) == 2
    assert names(store) == ["boats.md"]


def test_links_out_of_the_folder_are_refused_by_name(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """No link makes an ingest read what its owner did not point at."""
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("A secret.")
    (folder / "leak.md").symlink_to(outside / "secret.md")
    (folder / "leaks").symlink_to(outside)
    (folder / "dangling.md").symlink_to(folder / "nothing")
    (folder / "again.md").symlink_to(folder / "boats.md")
    (folder / "birds" / "loop").symlink_to(folder)
    report = ingest([folder], store, embedder)
    assert names(store) == ["birds/boats.md", "boats.md"]
    found = reasons(report)
    assert sorted(found) == ["dangling.md", "leak.md", "leaks"]
    assert "leads out of the folder" in found["leak.md"]


def test_names_of_any_kind(store: Store, embedder: WordEmbedder, folder: Path) -> None:
    """Newlines and quotes in names are harmless; bytes that are no UTF-8 are reported."""
    (folder / 'odd\n"name".md').write_text("Words.")
    os.rename(os.fsencode(folder / "boats.md"), os.path.join(os.fsencode(folder), b"bad\xff.md"))
    report = ingest([folder], store, embedder)
    assert report.read == 2
    assert [failure.reason for failure in report.failed] == [
        "its name is not valid UTF-8; rename it"
    ]
    assert report.failed[0].path.encode()


def test_unsupported_file_named_itself_is_a_failure(
    store: Store, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """Whoever names a file wants to know why it was not read."""
    (tmp_path / "a.odt").write_bytes(b"x")
    report = ingest([tmp_path / "a.odt"], store, embedder)
    assert "not supported" in report.failed[0].reason
    assert report.unsupported == ()


def test_embedder_failure_leaves_whole_documents_and_resumes(store: Store, folder: Path) -> None:
    """An ingest broken half-way is finished by the next one, without duplicates."""
    options = IngestOptions(workers=1, batch_passages=1)
    with pytest.raises(RuntimeError, match="embedder broke"):
        ingest([folder], store, WordEmbedder(fails_at=2), options=options)
    assert store.counts().documents == 1
    report = ingest([folder], store, WordEmbedder())
    assert (report.read, report.skipped_unchanged) == (1, 1)
    assert store.counts().passages == 2


def test_two_ingests_at_once_are_refused(
    store: Store, embedder: WordEmbedder, folder: Path
) -> None:
    """The second ingest is told who is writing and reads nothing."""
    with store.exclusive_writer(), pytest.raises(StoreBusyError, match=f"process {os.getpid()}"):
        ingest([folder], store, embedder)
    assert store.counts().documents == 0


INGEST_AND_DIE = """
import os, signal, sys
from pathlib import Path
from rag.ingest import ingest
from tests.fakes_rag import WordEmbedder, open_store
folder, data, dies_at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
embedder = WordEmbedder()
store = open_store(data, embedder)
statements = 0
def count(statement):
    global statements
    statements += 1
    if statements == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)
store._connection().set_trace_callback(count)
ingest([folder], store, embedder)
store.close()
"""


@pytest.mark.parametrize("dies_at", [4, 7, 9, 12, 15, 19])
def test_kill_during_ingest_leaves_whole_documents(
    tmp_path: Path, folder: Path, dies_at: int
) -> None:
    """Killed at any statement, each document is whole or absent, and a re-run completes."""
    embedder = WordEmbedder()
    (folder / "boats.md").write_text("# Boats\n\n## A\n\nFirst.\n\n## B\n\nSecond.\n")
    data = tmp_path / "killed"
    process = subprocess.run(
        [sys.executable, "-c", INGEST_AND_DIE, str(folder), str(data), str(dies_at)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    with open_store(data, embedder) as store:
        whole = {"birds/boats.md": 1, "boats.md": 2}
        assert store.counts().passages == sum(whole[name] for name in names(store))
        assert store.vector_table().ids.size == store.counts().passages
        report = ingest([folder], store, embedder)
        assert report.failed == ()
        assert (store.counts().documents, store.counts().passages) == (2, 3)
