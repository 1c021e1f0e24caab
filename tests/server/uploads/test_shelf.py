"""server/uploads/shelf.py: the folder of added documents."""

from pathlib import Path

import pytest

from server.errors import UploadError
from server.uploads import shelf as shelves
from server.uploads.shelf import Shelf


def put(shelf: Shelf, name: str, content: bytes) -> None:
    with shelf.placed(name, content) as placed:
        placed.keep()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_document_that_was_read_stays_and_replaces_its_namesake(tmp_path: Path) -> None:
    """And nothing else lies about."""
    shelf = Shelf(tmp_path / "uploads", 100)
    put(shelf, "a.md", b"one")
    put(shelf, "a.md", b"two")
    assert contents(shelf.folder) == {"a.md": b"two"}


def test_what_could_not_be_read_leaves_what_stood_there(tmp_path: Path) -> None:
    """An error in reading counts as much as one that is told."""
    shelf = Shelf(tmp_path, 100)
    put(shelf, "a.md", b"one")
    with shelf.placed("a.md", b"two") as placed:
        assert placed.path.read_bytes() == b"two"
    with pytest.raises(ZeroDivisionError), shelf.placed("b.md", b"three"):
        raise ZeroDivisionError
    assert contents(tmp_path) == {"a.md": b"one"}


def test_all_documents_together_are_bounded(tmp_path: Path) -> None:
    """In bytes; one that replaces another counts for it."""
    shelf = Shelf(tmp_path, 10)
    put(shelf, "a.md", b"12345678")
    put(shelf, "a.md", b"1234567890")
    with pytest.raises(UploadError, match="PARLEY_UPLOADS_TOTAL_BYTES"):
        put(shelf, "b.md", b"1")
    assert contents(tmp_path) == {"a.md": b"1234567890"}


def test_their_number_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small files fill a folder too."""
    monkeypatch.setattr(shelves, "MAXIMUM_FILES", 2)
    shelf = Shelf(tmp_path, 100)
    put(shelf, "a.md", b"1")
    put(shelf, "b.md", b"1")
    with pytest.raises(UploadError, match="full"):
        put(shelf, "c.md", b"1")


def test_what_a_killed_server_left_is_cleared(tmp_path: Path) -> None:
    """Unfinished files are hidden, so no ingest of the folder read them."""
    (tmp_path / ".a.md.part").write_bytes(b"half")
    put(Shelf(tmp_path, 100), "b.md", b"1")
    assert contents(tmp_path) == {"b.md": b"1"}


def test_a_document_that_a_killed_server_had_set_aside_comes_back(tmp_path: Path) -> None:
    """It was to be replaced, and nothing was put in its place yet."""
    (tmp_path / ".a.md.before").write_bytes(b"one")
    (tmp_path / ".b.md.before").write_bytes(b"old")
    (tmp_path / "b.md").write_bytes(b"new")
    put(Shelf(tmp_path, 100), "c.md", b"1")
    assert contents(tmp_path) == {"a.md": b"one", "b.md": b"new", "c.md": b"1"}


def test_hidden_files_of_others_stay(tmp_path: Path) -> None:
    """Such as those of a file manager; a hidden folder is no reason to refuse a document."""
    (tmp_path / ".directory").write_bytes(b"view")
    (tmp_path / ".git").mkdir()
    put(Shelf(tmp_path, 100), "a.md", b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".directory", ".git", "a.md"]


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    """Not raised as an OSError."""
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(UploadError, match="cannot be written"):
        put(Shelf(tmp_path / "uploads", 100), "a.md", b"1")
