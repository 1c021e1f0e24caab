"""No file that is read can harm the ingest: hangs, crashes and hunger for memory are reported."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.blocks import DocumentError
from rag.read_pool import ReadLimits, ReadPool
from tests.rag.archives import make_endless_pdf

BAD_READER = """
import sys
sys.path[:] = {path!r}
import os, threading
import rag.read_child
from rag.blocks import DocumentError
true_reader = rag.read_child.read_document
def read_document(path):
    if "hang" in path.name:
        threading.Event().wait()
    if "crash" in path.name:
        os._exit(3)
    if "raise" in path.name:
        raise ZeroDivisionError
    if "hunger" in path.name:
        return bytearray(10**12)
    return true_reader(path)
rag.read_child.read_document = read_document
rag.read_child.main()
"""

MakePool = Callable[..., ReadPool]


@pytest.fixture
def make_pool() -> Iterator[MakePool]:
    made: list[ReadPool] = []

    def make(seconds: int = 60, memory_bytes: int = 2_000_000_000, bad: bool = True) -> ReadPool:
        import sys

        code = BAD_READER.format(path=[str(Path(entry).absolute()) for entry in sys.path])
        made.append(ReadPool(ReadLimits(seconds, memory_bytes), code if bad else ""))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


def words(path: Path) -> Path:
    path.write_text("# Boats\n\n## Fares\n\nIt costs eight euros.\n")
    return path


def test_passages_come_back_from_the_other_process(tmp_path: Path, make_pool: MakePool) -> None:
    """Title, headings and sentences as the readers made them, tags too."""
    path = tmp_path / "a.md"
    path.write_text("---\ntags: b, a\n---\n# Boats\n\n## Fares\n\nIt costs 8 €.\n")
    document = make_pool(bad=False).read(path)
    assert (document.title, document.tags) == ("Boats", ("a", "b"))
    (passage,) = document.passages
    assert (passage.headings, passage.sentences) == (("Fares",), ("It costs 8 €.",))


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crash.md", "ended by itself"),
        ("raise.md", "ended by itself"),
        ("hunger.md", "more than 2000 MB of memory"),
    ],
)
def test_a_reader_that_dies_is_replaced(
    tmp_path: Path, make_pool: MakePool, name: str, cause: str
) -> None:
    """The cause is told, and the next file is read."""
    pool = make_pool()
    with pytest.raises(DocumentError, match=cause):
        pool.read(words(tmp_path / name))
    assert pool.read(words(tmp_path / "good.md")).title == "Boats"


def test_a_reader_that_hangs_is_killed(tmp_path: Path, make_pool: MakePool) -> None:
    """Its time is up after the limit, and no process is left."""
    pool = make_pool(seconds=1)
    with pytest.raises(DocumentError, match="more than 1 s"):
        pool.read(words(tmp_path / "hang.md"))
    assert pool._all == set()


def test_a_pdf_that_would_take_for_ever_is_killed(tmp_path: Path, make_pool: MakePool) -> None:
    """The real PDF reader on a page of a million drawing commands, within one second."""
    path = make_endless_pdf(tmp_path / "endless.pdf")
    with pytest.raises(DocumentError, match="more than 1 s"):
        make_pool(seconds=1, bad=False).read(path)


def test_closing_ends_a_reader_at_work(tmp_path: Path, make_pool: MakePool) -> None:
    """An ingest that is interrupted does not wait for a file that hangs."""
    pool = make_pool()
    words(tmp_path / "hang.md")
    told: list[str] = []

    def read() -> None:
        try:
            pool.read(tmp_path / "hang.md")
        except DocumentError as error:
            told.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    while not pool._all:
        thread.join(0.01)
    pool.close()
    thread.join()
    assert len(told) == 1
    assert pool._all == set()
    with pytest.raises(DocumentError, match="stopped"):
        pool.read(words(tmp_path / "good.md"))
