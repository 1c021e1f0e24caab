import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.index_kinds import Kind
from rag.snapshot import (
    FILE_NAMES,
    MANIFEST_NAME,
    Manifest,
    SnapshotDamagedError,
    open_snapshot,
    verify,
)
from rag.snapshot_folder import CURRENT_NAME, BuildRunningError, SnapshotFolder
from rag.store import Store
from tests.rag.indexes import build_index, clouds, open_clouds, put

REGION_BYTES = 512


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, SnapshotFolder]]:
    """Two versions of one store."""
    root = tmp_path_factory.mktemp("snapshots")
    with open_clouds(root) as store:
        put(store, "first", clouds(300))
        folder = SnapshotFolder(root / "indexes")
        build_index(store, folder)
        put(store, "second", clouds(20, 1))
        build_index(store, folder)
        yield store, folder


def test_a_manifest_comes_back_as_it_was(published: tuple[Store, SnapshotFolder]) -> None:
    """Every field, and in one form only."""
    _, folder = published
    manifest = verify(folder.folder_of(folder.current()))
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    with pytest.raises(SnapshotDamagedError):
        Manifest.from_bytes(manifest.to_bytes() + b" ")


@pytest.mark.parametrize("name", [*FILE_NAMES, MANIFEST_NAME])
def test_one_flipped_bit_anywhere_is_never_served(
    published: tuple[Store, SnapshotFolder], name: str
) -> None:
    """In every region of every file; the version before serves instead, and it is said."""
    _, folder = published
    current = folder.current()
    path = folder.folder_of(current) / name
    whole = path.read_bytes()
    chance = random.Random(22)
    try:
        for start in range(0, len(whole), REGION_BYTES):
            place = min(start + chance.randrange(REGION_BYTES), len(whole) - 1)
            damaged = bytearray(whole)
            damaged[place] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(SnapshotDamagedError, match=name.replace(".", r"\.")):
                open_snapshot(folder.folder_of(current))
        opened = folder.open_newest()
        assert opened.snapshot is not None
        assert opened.snapshot.version == folder.versions()[1] != current
        assert name in opened.damaged[0]
    finally:
        path.write_bytes(whole)
    assert folder.open_newest().damaged == ()


@pytest.mark.parametrize("name", [*FILE_NAMES, MANIFEST_NAME])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_or_missing_file_is_never_served(
    published: tuple[Store, SnapshotFolder], name: str, share: float
) -> None:
    """However much of it is left."""
    _, folder = published
    path = folder.folder_of(folder.current()) / name
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(SnapshotDamagedError):
            open_snapshot(folder.folder_of(folder.current()))
        path.unlink()
        with pytest.raises(SnapshotDamagedError):
            open_snapshot(folder.folder_of(folder.current()))
    finally:
        path.write_bytes(whole)


def test_files_of_another_version_are_never_served(
    published: tuple[Store, SnapshotFolder],
) -> None:
    """Whole in themselves, but not what this version was published with."""
    _, folder = published
    newest, older = folder.versions()[:2]
    path = folder.folder_of(newest) / MANIFEST_NAME
    whole = path.read_bytes()
    try:
        path.write_bytes((folder.folder_of(older) / MANIFEST_NAME).read_bytes())
        with pytest.raises(SnapshotDamagedError):
            open_snapshot(folder.folder_of(newest))
    finally:
        path.write_bytes(whole)


def test_a_damaged_pointer_leads_to_the_newest_whole_version(
    published: tuple[Store, SnapshotFolder],
) -> None:
    """It names no version, so the versions are looked through; that is said too."""
    _, folder = published
    pointer = folder.path / CURRENT_NAME
    whole = pointer.read_bytes()
    for place in range(len(whole)):
        pointer.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        opened = folder.open_newest()
        assert opened.snapshot is not None
        assert opened.snapshot.version == folder.versions()[0]
        assert "pointer" in opened.damaged[0]
    pointer.write_bytes(whole)


def test_with_no_whole_version_there_is_none(tmp_path: Path) -> None:
    """Exact search takes over, with every damage named."""
    with open_clouds(tmp_path) as store:
        put(store, "first", clouds(300))
        folder = SnapshotFolder(tmp_path / "indexes")
        assert folder.open_newest() == replace(folder.open_newest(), snapshot=None, damaged=())
        version = build_index(store, folder).version
        (folder.folder_of(version) / FILE_NAMES[0]).write_bytes(b"")
        opened = folder.open_newest()
    assert opened.snapshot is None
    assert len(opened.damaged) == 1


def test_only_the_current_and_the_previous_version_are_kept(
    published: tuple[Store, SnapshotFolder],
) -> None:
    """A third publication removes the first; nothing half-made is left."""
    store, folder = published
    first = folder.versions()[-1]
    version = build_index(store, folder, Kind.HNSW).version
    assert folder.current() == version == folder.versions()[0]
    assert len(folder.versions()) == 2
    assert first not in folder.versions()
    assert not list(folder.path.glob(".building-*"))


def test_a_kill_while_an_old_version_is_removed_leaves_whole_versions_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has left the versions before its files go, and the next build clears up."""

    def killed(path: Path, ignore_errors: bool) -> None:
        (path / FILE_NAMES[0]).unlink(missing_ok=True)

    with open_clouds(tmp_path) as store:
        put(store, "first", clouds(300))
        folder = SnapshotFolder(tmp_path / "indexes")
        for _ in range(2):
            build_index(store, folder)
        monkeypatch.setattr(shutil, "rmtree", killed)
        build_index(store, folder)
        monkeypatch.undo()
        for version in folder.versions():
            verify(folder.folder_of(version))
        build_index(store, folder)
    assert not list(folder.path.glob(".building-*"))


def test_one_builder_at_a_time(tmp_path: Path) -> None:
    """A second one is refused; what a killed one left is removed by the next."""
    folder = SnapshotFolder(tmp_path)
    leftover = tmp_path / ".building-1"
    leftover.mkdir()
    with folder.building() as work:
        assert os.listdir(work) == []
        assert not leftover.exists()
        with pytest.raises(BuildRunningError), folder.building():
            pass
    assert not work.exists()
