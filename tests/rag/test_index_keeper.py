import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rag import index_build, index_keeper, index_tune
from rag.index_keeper import IndexKeeper, state_lines
from rag.index_kinds import IndexLimits
from rag.index_process import PROGRESS_NAME, BuildOrder, BuildProgress, run, started_ticks
from rag.snapshot import FILE_NAMES
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from tests.rag.indexes import (
    DIMENSION,
    FINGERPRINT,
    LIMITS,
    build_index,
    clouds,
    nearest,
    open_clouds,
    put,
)


class BuiltAtOnce:
    """Stands for the building process: the build has ended when it has started."""

    def __init__(self) -> None:
        self.orders: list[BuildOrder] = []
        self.recall: float | None = None

    def __call__(self, order: BuildOrder) -> "subprocess.Popen[bytes]":
        self.orders.append(order)
        if self.recall is not None:
            order = replace(order, limits=replace(order.limits, recall=self.recall))
        return subprocess.Popen(["true"] if run(order) == 0 else ["false"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_clouds(tmp_path) as opened:
        yield opened


@pytest.fixture
def builds() -> BuiltAtOnce:
    return BuiltAtOnce()


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(tmp_path / "indexes")


def keeper_of(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce, limits: IndexLimits = LIMITS
) -> IndexKeeper:
    return IndexKeeper(store, folder, limits, builds)


def settle(keeper: IndexKeeper) -> None:
    """Look until no build is under way."""
    keeper.look()
    keeper.wait_for_build(50)
    keeper.look()


def test_a_growing_corpus_passes_from_flat_to_ivf_and_back(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """Built at 1.25 of the bound, given up under 0.8 of it; every passage is found throughout."""
    put(store, "first", clouds(90))
    keeper = keeper_of(store, folder, builds)
    settle(keeper)
    put(store, "second", clouds(34, 1))
    settle(keeper)
    assert (keeper.index.kind, builds.orders) == ("FLAT", [])
    put(store, "third", clouds(2, 2))
    settle(keeper)
    assert keeper.index.kind == "IVF"
    assert keeper.index.size == 126
    store.remove_documents(["second"])
    settle(keeper)
    assert keeper.index.kind == "IVF"
    store.remove_documents(["first"])
    settle(keeper)
    assert (keeper.index.kind, keeper.index.size) == ("FLAT", 2)
    assert folder.versions() == []


def test_a_large_store_without_an_index_is_searched_exactly_until_one_is_built(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """Questions do not wait for the build."""
    put(store, "first", clouds(500))
    keeper = keeper_of(store, folder, builds)
    assert (keeper.index.kind, keeper.index.size) == ("FLAT", 500)
    settle(keeper)
    assert keeper.index.kind == "IVF"
    again = keeper_of(store, folder, builds)
    assert again.index.kind == "IVF"
    assert again.reason_to_build() is None


def test_many_removals_or_additions_have_the_index_built_anew(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """At 30% of the snapshot removed, and when too much waits beside it."""
    put(store, "large", clouds(700))
    put(store, "small", clouds(300, 1))
    keeper = keeper_of(store, folder, builds)
    settle(keeper)
    store.remove_documents(["small"])
    settle(keeper)
    assert len(builds.orders) == 2
    assert state_lines(keeper.index.state)["tombstones"] == 0
    put(store, "more", clouds(101, 2))
    settle(keeper)
    assert len(builds.orders) == 3
    assert state_lines(keeper.index.state)["delta"] == 0


def test_an_index_that_misses_the_recall_is_not_served(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """Exact search stays, an alert says why, and it is not tried again until the corpus changed."""
    put(store, "first", clouds(500))
    builds.recall = 1.1
    keeper = keeper_of(store, folder, builds)
    settle(keeper)
    settle(keeper)
    assert (keeper.index.kind, len(builds.orders)) == ("FLAT", 1)
    assert "recall@10" in keeper.alerts[0]
    assert "parley index rebuild" in keeper.alerts[0]
    builds.recall = None
    put(store, "second", clouds(100, 1))
    settle(keeper)
    assert (keeper.index.kind, keeper.alerts) == ("IVF", ())


def test_a_damaged_index_gives_way_to_the_previous_or_to_exact_search(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """With an alert; every passage is found either way, and a new build heals it."""
    put(store, "first", clouds(500))
    build_index(store, folder)
    put(store, "second", clouds(50, 1))
    build_index(store, folder)
    newest, older = folder.versions()
    for damaged in (newest, older):
        path = folder.folder_of(damaged) / FILE_NAMES[0]
        path.write_bytes(path.read_bytes()[:-1])
        keeper = keeper_of(store, folder, builds)
        assert damaged in keeper.alerts[0]
        assert keeper.index.size == 550
    assert keeper.index.kind == "FLAT"
    settle(keeper)
    assert (keeper.index.kind, keeper.alerts) == ("IVF", ())


def test_an_index_of_another_store_or_embedder_is_not_served(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce, tmp_path: Path
) -> None:
    """Ids count from 1 in every store: mixing them would answer from the wrong passages."""
    put(store, "first", clouds(500))
    build_index(store, folder)
    with open_clouds(tmp_path / "other") as other:
        put(other, "first", clouds(500, 3))
        keeper = keeper_of(other, folder, builds)
        assert keeper.index.kind == "FLAT"
        assert "another store" in keeper.alerts[0]
    with Store(tmp_path / "third.sqlite3", "another", DIMENSION) as third:
        assert "embedder" in keeper_of(third, folder, builds).alerts[0]
    with Store(tmp_path / "fourth.sqlite3", FINGERPRINT, 2 * DIMENSION) as fourth:
        keeper = keeper_of(fourth, folder, builds)
        assert (keeper.index.kind, keeper.index.size) == ("FLAT", 0)
        assert f"have {DIMENSION} values" in keeper.alerts[0]


@pytest.mark.parametrize("is_removal", [False, True])
def test_an_index_of_a_later_state_of_the_store_is_not_served(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce, tmp_path: Path, is_removal: bool
) -> None:
    """The store was put back from a copy: what it holds is found, by the version from before."""
    put(store, "first", clouds(500))
    put(store, "second", clouds(20, 1))
    older = build_index(store, folder).version
    copy = closing(sqlite3.connect(tmp_path / "restored.sqlite3"))
    with copy as target, store.reading() as connection:
        connection.backup(target)
    if is_removal:
        store.remove_documents(["second"])
    else:
        put(store, "third", clouds(20, 2))
    build_index(store, folder)
    with Store(tmp_path / "restored.sqlite3", FINGERPRINT, DIMENSION) as restored:
        keeper = keeper_of(restored, folder, builds)
        assert "later state" in keeper.alerts[0]
        snapshot = keeper.index.state.snapshot
        assert snapshot is not None
        assert (snapshot.version, keeper.index.size) == (older, 520)
        for vector in clouds(20, 1):
            assert keeper.index.search(vector[None], 1)[0][0][0] == nearest(restored, vector, 1)[0]


def test_a_version_that_another_process_published_is_taken_over(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """`parley index rebuild` beside a server needs no restart."""
    put(store, "first", clouds(500))
    build_index(store, folder)
    keeper = keeper_of(store, folder, builds)
    version = build_index(store, folder).version
    assert keeper.look()
    state = keeper.index.state
    assert state.snapshot is not None
    assert state.snapshot.version == version
    assert not keeper.look()


def test_without_memory_for_old_and_new_nothing_is_built(
    store: Store,
    folder: SnapshotFolder,
    builds: BuiltAtOnce,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is said, exact search goes on, and it is built once there is memory."""
    put(store, "first", clouds(500))
    keeper = keeper_of(store, folder, builds)
    monkeypatch.setattr(index_keeper, "memory_shortage", lambda *known: "It does not fit.")
    settle(keeper)
    assert (keeper.alerts, builds.orders) == (("It does not fit.",), [])
    monkeypatch.undo()
    settle(keeper)
    assert (keeper.alerts, keeper.index.kind) == ((), "IVF")


def test_a_shortage_of_memory_is_logged_once(
    store: Store,
    folder: SnapshotFolder,
    builds: BuiltAtOnce,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its figures change with every look, and a look comes every second; the alert tells them."""
    put(store, "first", clouds(500))
    keeper = keeper_of(store, folder, builds)
    for left in range(3):
        monkeypatch.setattr(index_keeper, "memory_shortage", lambda *known, mb=left: f"{mb} MB")
        settle(keeper)
    assert keeper.alerts == ("2 MB",)
    assert [record.getMessage() for record in caplog.records if "MB" in record.getMessage()] == [
        "0 MB"
    ]


def test_an_index_that_is_taken_over_ends_the_alert_of_the_failed_build(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """The disk was full, say, and `parley index rebuild` was typed once it was not."""
    put(store, "first", clouds(500))
    builds.recall = 1.1
    keeper = keeper_of(store, folder, builds)
    settle(keeper)
    assert keeper.alerts
    build_index(store, folder)
    settle(keeper)
    assert (keeper.index.kind, keeper.alerts) == ("IVF", ())


def test_a_build_that_was_killed_holds_no_other_up_when_its_number_is_another_process_now(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce
) -> None:
    """In a container that starts again they count from 1 again; here it is this process's."""
    put(store, "first", clouds(500))
    folder.path.mkdir()
    own_start = started_ticks(os.getpid())
    told = BuildProgress(os.getpid(), "IVF", "adding", 1, 2, 1.0, started_ticks=own_start)
    (folder.path / PROGRESS_NAME).write_text(json.dumps(asdict(told)))
    keeper = keeper_of(store, folder, builds)
    settle(keeper)
    assert (keeper.progress, builds.orders) == (told, [])
    earlier = replace(told, started_ticks=own_start + 1)
    (folder.path / PROGRESS_NAME).write_text(json.dumps(asdict(earlier)))
    assert keeper.progress is None
    settle(keeper)
    assert keeper.index.kind == "IVF"


def test_a_graph_that_misses_the_recall_gives_way_to_cells(
    store: Store, folder: SnapshotFolder, builds: BuiltAtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above HNSW's bound an IVF takes its place, and that is settled."""
    monkeypatch.setattr(index_tune, "MOST_EF_SEARCH", 1)
    monkeypatch.setattr(index_build, "EF_CONSTRUCTION", (1,))
    put(store, "first", clouds(600))
    keeper = keeper_of(store, folder, builds, replace(LIMITS, ivf_max=200))
    settle(keeper)
    settle(keeper)
    assert [order.kind for order in builds.orders] == ["HNSW"]
    assert keeper.index.kind == "IVF"
    assert keeper.reason_to_build() is None


def test_closing_ends_the_build(store: Store, folder: SnapshotFolder) -> None:
    """No process outlives the server."""
    put(store, "first", clouds(500))
    begun: list[subprocess.Popen[bytes]] = []

    def sleep(order: BuildOrder) -> "subprocess.Popen[bytes]":
        begun.append(subprocess.Popen(["sleep", "60"]))
        return begun[0]

    keeper = IndexKeeper(store, folder, LIMITS, sleep)
    keeper.look()
    assert keeper.is_busy
    keeper.look()
    assert len(begun) == 1
    keeper.close()
    assert begun[0].returncode is not None
