import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag import index_live
from rag.index import NO_PASSAGE
from rag.index_delta import Delta
from rag.index_kinds import Kind
from rag.index_live import LiveIndex
from rag.index_tune import recall_at_10
from rag.snapshot import Snapshot, open_snapshot
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from tests.rag.indexes import DIMENSION, build_index, clouds, nearest, open_clouds, put

PATIENCE_S = 20.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_clouds(tmp_path) as opened:
        for number in range(10):
            put(opened, f"document-{number}", clouds(80, number))
        yield opened


def snapshot_of(store: Store, tmp_path: Path, kind: Kind = Kind.IVF) -> Snapshot:
    folder = SnapshotFolder(tmp_path / "indexes")
    return open_snapshot(folder.folder_of(build_index(store, folder, kind).version))


def ids_of(store: Store, name: str) -> set[int]:
    table = store.vector_table()
    stored = store.fetch(table.ids.tolist())
    return {number for number, passage in stored.items() if passage.document == name}


@pytest.mark.parametrize("kind", [None, Kind.IVF, Kind.HNSW])
def test_what_was_added_is_found_by_the_next_search(
    store: Store, tmp_path: Path, kind: Kind | None
) -> None:
    """Without a rebuild and without being told."""
    index = LiveIndex(store, snapshot_of(store, tmp_path, kind) if kind else None)
    fresh = clouds(3, 77)
    index.search(fresh, 5)
    put(store, "new", fresh)
    ids, scores = index.search(fresh, 5)
    assert set(ids[:, 0].tolist()) == ids_of(store, "new")
    assert np.allclose(scores[:, 0], 1, atol=1e-5)
    assert index.generation == store.generation() == index.state.generation
    assert index.size == 803


@pytest.mark.parametrize("kind", [None, Kind.IVF, Kind.HNSW])
def test_what_was_removed_is_never_found_again(
    store: Store, tmp_path: Path, kind: Kind | None
) -> None:
    """Neither from the snapshot nor from what was added beside it; nine others take its place."""
    index = LiveIndex(store, snapshot_of(store, tmp_path, kind) if kind else None)
    put(store, "new", clouds(40, 77))
    index.search(clouds(1), 5)
    gone = ids_of(store, "document-3") | ids_of(store, "new")
    store.remove_documents(["document-3", "new"])
    queries = np.vstack([clouds(80, 3), clouds(40, 77)])
    ids, _ = index.search(queries, 10)
    assert not gone & set(ids.ravel().tolist())
    assert (ids != NO_PASSAGE).all()
    assert index.size == 720


@pytest.mark.parametrize("kind", [Kind.IVF, Kind.HNSW])
def test_a_replaced_document_is_found_by_its_new_passages_only(
    store: Store, tmp_path: Path, kind: Kind
) -> None:
    """Replacing is removing and adding; ids are not given twice."""
    index = LiveIndex(store, snapshot_of(store, tmp_path, kind))
    before = ids_of(store, "document-0")
    put(store, "document-0", clouds(80, 50))
    ids, _ = index.search(clouds(80, 50), 1)
    assert set(ids[:, 0].tolist()) == ids_of(store, "document-0")
    assert not before & set(ids.ravel().tolist())


def test_without_a_snapshot_the_search_is_exact(store: Store) -> None:
    """FLAT: the same passages in the same order as by comparing all."""
    index = LiveIndex(store)
    assert index.kind == "FLAT"
    for query in clouds(20, 5):
        assert index.search(query[None], 10)[0][0].tolist() == nearest(store, query, 10)


def test_a_snapshot_taken_over_later_misses_nothing(store: Store, tmp_path: Path) -> None:
    """Passages that came and went while it was built and after are as if it had been there."""
    index = LiveIndex(store)
    snapshot = snapshot_of(store, tmp_path)
    put(store, "new", clouds(5, 77))
    store.remove_documents(["document-1"])
    index.search(clouds(1), 1)
    put(store, "newer", clouds(5, 78))
    index.adopt(snapshot)
    assert index.kind == "IVF"
    assert index.size == 730
    assert set(index.search(clouds(5, 77), 1)[0].ravel().tolist()) == ids_of(store, "new")
    assert set(index.search(clouds(5, 78), 1)[0].ravel().tolist()) == ids_of(store, "newer")
    put(store, "newest", clouds(5, 79))
    assert set(index.search(clouds(5, 79), 1)[0].ravel().tolist()) == ids_of(store, "newest")


def test_giving_a_snapshot_up_goes_back_to_comparing_all(store: Store, tmp_path: Path) -> None:
    """Every passage is found again, from the store."""
    index = LiveIndex(store, snapshot_of(store, tmp_path))
    put(store, "new", clouds(5, 77))
    index.adopt(None)
    assert (index.kind, index.size) == ("FLAT", 805)
    query = clouds(1, 5)[0]
    assert index.search(query[None], 10)[0][0].tolist() == nearest(store, query, 10)


def test_a_search_waits_for_no_copy_of_the_delta(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another snapshot is taken over meanwhile; what was removed then is never found again."""
    index = LiveIndex(store)
    snapshot = snapshot_of(store, tmp_path)
    put(store, "new", clouds(5, 77))
    index.refresh()
    begins, ends = threading.Event(), threading.Event()
    after = Delta.after

    def held(delta: Delta, passage_id: int) -> Delta:
        kept = after(delta, passage_id)
        begins.set()
        assert ends.wait(PATIENCE_S)
        return kept

    monkeypatch.setattr(Delta, "after", held)
    gone = ids_of(store, "new") | ids_of(store, "document-1")
    queries = np.vstack([clouds(5, 77), clouds(80, 1)])
    with ThreadPoolExecutor(2) as pool:
        adopting = pool.submit(index.adopt, snapshot)
        assert begins.wait(PATIENCE_S)
        store.remove_documents(["new", "document-1"])
        put(store, "newer", clouds(5, 78))
        try:
            meanwhile = pool.submit(index.search, queries, 10).result(PATIENCE_S)[0]
        finally:
            ends.set()
        adopting.result(PATIENCE_S)
    assert not gone & set(meanwhile.ravel().tolist())
    assert index.kind == "IVF"
    assert not gone & set(index.search(queries, 10)[0].ravel().tolist())
    assert set(index.search(clouds(5, 78), 1)[0].ravel().tolist()) == ids_of(store, "newer")
    assert index.size == 725


def test_a_state_that_is_older_than_the_store_is_never_searched(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot is swapped in, read before a removal, just as a search compares generations."""
    index = LiveIndex(store, snapshot_of(store, tmp_path))
    older = index.state
    gone = ids_of(store, "document-1")
    store.remove_documents(["document-1"])
    index.refresh()

    class Compared(int):
        """The swap comes right after the comparison."""

        __hash__ = int.__hash__

        def __eq__(self, other: object) -> bool:
            index.state = older
            return int(self) == other

    now = Compared(store.generation())
    monkeypatch.setattr(store, "generation", lambda: now)
    assert not gone & set(index.search(clouds(80, 1), 10)[0].ravel().tolist())


def test_removals_of_several_commits_add_up(store: Store, tmp_path: Path) -> None:
    """Each adds to the rows that are not found; they are counted once."""
    index = LiveIndex(store, snapshot_of(store, tmp_path))
    gone: set[int] = set()
    for number in (3, 0, 9):
        gone |= ids_of(store, f"document-{number}")
        store.remove_documents([f"document-{number}"])
        ids, _ = index.search(np.vstack([clouds(80, seed) for seed in (0, 3, 9)]), 10)
        assert not gone & set(ids.ravel().tolist())
        assert index.state.dead_count == len(gone)
    assert index.size == 560


def test_an_empty_store_gives_nothing(tmp_path: Path) -> None:
    """And no error, also when all that there was has been removed."""
    with open_clouds(tmp_path) as store:
        index = LiveIndex(store)
        assert (index.search(clouds(2), 3)[0] == NO_PASSAGE).all()
        put(store, "only", clouds(2))
        assert index.search(clouds(2), 3)[0].shape == (2, 3)
        store.remove_documents(["only"])
        assert (index.search(clouds(2), 3)[0] == NO_PASSAGE).all()


def test_a_view_of_the_delta_does_not_see_what_is_added_later() -> None:
    """Searches that began before an addition work on what there was."""
    empty = Delta.empty(DIMENSION)
    one = empty.with_added(np.array([1]), clouds(1, 1))
    two = one.with_added(np.array([2]), clouds(1, 2))
    other = one.with_added(np.array([3]), clouds(1, 3))
    assert (one.ids.tolist(), two.ids.tolist(), other.ids.tolist()) == ([1], [1, 2], [1, 3])
    assert two.search(clouds(1, 2), 1)[0].tolist() == [[2]]
    assert other.search(clouds(1, 3), 1)[0].tolist() == [[3]]
    assert two.without(np.array([2])).search(clouds(1, 2), 2)[0].tolist() == [[1]]


def test_questions_are_remembered_up_to_a_bound(store: Store) -> None:
    """Their vectors prove the next index; the oldest are forgotten."""
    index = LiveIndex(store)
    assert index.asked().shape == (0, DIMENSION)
    index.search(clouds(600, 4), 1)
    assert np.array_equal(index.asked(), clouds(600, 4)[-512:])


def test_what_waits_in_cells_is_found_and_what_was_removed_from_them_is_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when all is compared, whatever came or went before, between and after."""
    monkeypatch.setattr(index_live, "CELLED_AT", 20)
    index = LiveIndex(store, snapshot_of(store, tmp_path))
    index.put_in_cells()
    assert index.state.delta.in_cells == 0
    for number in range(3):
        put(store, f"new {number}", clouds(30, 70 + number))
        put(store, f"gone {number}", clouds(5, 170 + number))
        index.refresh()
        index.put_in_cells()
        store.remove_documents([f"gone {number}"])
    assert index.state.delta.in_cells == 105
    put(store, "last", clouds(5, 90))
    for number in range(3):
        for vector in clouds(30, 70 + number):
            assert index.search(vector[None], 10)[0][0][0] == nearest(store, vector, 1)[0]
        for vector in clouds(5, 170 + number):
            assert not set(index.search(vector[None], 10)[0][0].tolist()) - ids_in(store)
    assert set(index.search(clouds(5, 90), 1)[0].ravel().tolist()) == ids_of(store, "last")
    queries = clouds(50, 5)
    found = index.search(queries, 10)[0]
    truth = np.array([nearest(store, query, 10) for query in queries])
    assert recall_at_10(found, truth) >= 0.97


def test_another_snapshot_leaves_the_cells_of_the_one_before(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells belong to the snapshot that they were trained for; nothing waiting is lost."""
    monkeypatch.setattr(index_live, "CELLED_AT", 20)
    index = LiveIndex(store, snapshot_of(store, tmp_path))
    put(store, "new", clouds(30, 70))
    index.refresh()
    index.put_in_cells()
    newer = snapshot_of(store, tmp_path)
    put(store, "newer", clouds(30, 71))
    index.refresh()
    index.put_in_cells()
    assert index.state.delta.in_cells == 60
    index.adopt(newer)
    assert (index.state.delta.in_cells, index.state.delta.size) == (0, 30)
    assert set(index.search(clouds(30, 71), 1)[0].ravel().tolist()) == ids_of(store, "newer")
    index.put_in_cells()
    assert index.state.delta.in_cells == 30
    assert set(index.search(clouds(30, 71), 1)[0].ravel().tolist()) == ids_of(store, "newer")


def ids_in(store: Store) -> set[int]:
    return {NO_PASSAGE, *store.vector_table().ids.tolist()}
