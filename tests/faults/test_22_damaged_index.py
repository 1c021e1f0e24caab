"""Row 22: corrupt or missing index, wrong dimension.

Seen to fail: with SnapshotDamagedError not caught in SnapshotFolder.open_newest the start ended
with it; with `refusing_damage` catching nothing SQLite's traceback did; with every error called
damage a store that was only locked was to be deleted.
"""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.index_keeper import IndexKeeper
from rag.snapshot import FILE_NAMES
from rag.snapshot_folder import CURRENT_NAME, SnapshotFolder
from server.errors import StartError
from tests.faults.conftest import faked
from tests.rag.indexes import LIMITS, build_index, clouds, nearest, open_clouds, put


def flip(folder: Path) -> None:
    """One bit in the middle, which FAISS loads without complaint."""
    path = folder / FILE_NAMES[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(folder: Path) -> None:
    path = folder / FILE_NAMES[0]
    path.write_bytes(path.read_bytes()[:-100])


def lose(folder: Path) -> None:
    (folder / FILE_NAMES[0]).unlink()


@pytest.mark.parametrize("damage", [flip, cut, lose, shutil.rmtree])
def test_the_previous_version_is_served_and_the_damage_named(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """The previous version is served, by its name, with the file and the command to rebuild."""
    folder = SnapshotFolder(tmp_path / "indexes")
    with open_clouds(tmp_path) as store:
        put(store, "first", clouds(400))
        previous = build_index(store, folder).version
        put(store, "second", clouds(40, 1))
        newest = build_index(store, folder).version
        damage(folder.folder_of(newest))
        keeper = IndexKeeper(store, folder, LIMITS)
        snapshot = keeper.index.state.snapshot
        assert snapshot is not None
        assert snapshot.version == previous
        (alert,) = keeper.alerts
        assert previous in alert
        assert CURRENT_NAME in alert or newest in alert
        assert "parley index rebuild" in alert
        query = clouds(1, 7)[0]
        found, _ = keeper.index.search(query[None], 10)
        assert len(set(found[0].tolist()) & set(nearest(store, query, 10))) >= 9


def zero_a_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 10 : 4096 * 11] = bytes(4096)
    path.write_bytes(content)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace_by_text(path: Path) -> None:
    path.write_text("These are notes, and no database. " * 100)


def flip_letters(path: Path) -> None:
    """Text that is no UTF-8 any more: SQLite finds nothing wrong with it."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE passages SET body = CAST(x'ff' || body AS TEXT) WHERE id = 7")
    connection.close()


def other_dimension(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '768' WHERE name = 'dimension'")
    connection.close()


@pytest.mark.parametrize(
    "damage", [zero_a_page, halve, replace_by_text, flip_letters, other_dimension]
)
def test_start_refuses_a_damaged_store_naming_it_and_the_command(
    data_dir: Path, damage: Callable[[Path], None]
) -> None:
    """Start refuses, naming the file and the command; nothing of a document is told."""
    damage(data_dir / "store.sqlite3")
    before = set(threading.enumerate())
    with pytest.raises(StartError) as refused, faked(data_dir):
        pass
    assert set(threading.enumerate()) <= before
    assert str(data_dir / "store.sqlite3") in str(refused.value)
    assert "parley ingest PATH" in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_store_that_is_only_busy_is_not_called_damaged(
    monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    """Nobody is told to delete what another process is writing to."""
    monkeypatch.setattr("rag.schema.BUSY_TIMEOUT_S", 0.1)
    writer = sqlite3.connect(data_dir / "store.sqlite3")
    writer.execute("PRAGMA locking_mode=EXCLUSIVE")
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StartError, match="another process at work") as refused, faked(data_dir):
        pass
    writer.close()
    assert "Delete" not in str(refused.value)
