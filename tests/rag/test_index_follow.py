import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import index_follow
from rag.index_follow import LATELY_S, QUICK_S, SLOW_S, IndexFollower, following
from rag.index_live import LiveIndex
from rag.schema import StoreError
from rag.store import Store
from tests.rag.indexes import clouds, open_clouds, put

PATIENCE_S = 20.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_clouds(tmp_path) as opened:
        put(opened, "first", clouds(50))
        yield opened


def test_a_look_takes_in_what_another_process_wrote(store: Store, tmp_path: Path) -> None:
    """The next search has nothing to read: what came and what went are in the state already."""
    index = LiveIndex(store)
    with open_clouds(tmp_path) as other:
        put(other, "second", clouds(30, 2))
        other.remove_documents(["first"])
    IndexFollower(index).look(0.0)
    assert index.state.generation == store.generation()
    assert index.state.size == 30


def test_looks_are_frequent_only_while_something_is_written(store: Store) -> None:
    """An idle server wakes up once a second; each change keeps the looks frequent for a while."""
    follower = IndexFollower(LiveIndex(store))
    assert follower.look(100.0) == SLOW_S
    put(store, "second", clouds(5, 2))
    assert follower.look(101.0) == QUICK_S
    assert follower.look(101.0 + LATELY_S - 0.1) == QUICK_S
    put(store, "third", clouds(5, 3))
    assert follower.look(101.0 + LATELY_S + 1) == QUICK_S
    assert follower.look(101.0 + 2 * LATELY_S) == QUICK_S
    assert follower.look(102.0 + 2 * LATELY_S) == SLOW_S


def test_what_a_search_took_in_counts_as_a_change_too(store: Store) -> None:
    """Else an ingest whose commits the questions meet first would never be followed closely."""
    index = LiveIndex(store)
    follower = IndexFollower(index)
    follower.look(0.0)
    put(store, "second", clouds(5, 2))
    index.search(clouds(1), 1)
    assert follower.look(1.0) == QUICK_S


def test_a_store_that_cannot_be_read_does_not_end_the_looks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may be back in a second."""
    index = LiveIndex(store)
    follower = IndexFollower(index)

    def fail(generation: int, last_id: int) -> None:
        raise StoreError("the disk is gone")

    put(store, "second", clouds(5, 2))
    with monkeypatch.context() as patch:
        patch.setattr(store, "changes_since", fail)
        assert follower.look(0.0) == SLOW_S
    follower.look(1.0)
    assert index.state.size == 55


def test_the_thread_follows_until_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody searches here; afterwards nothing touches the store, which may be closed then."""
    monkeypatch.setattr(index_follow, "SLOW_S", 0.01)
    others = set(threading.enumerate())
    index = LiveIndex(store)
    with following(index):
        put(store, "second", clouds(5, 2))
        end_s = time.monotonic() + PATIENCE_S
        while index.state.size != 55:
            assert time.monotonic() < end_s
            time.sleep(0.001)
    later = set(threading.enumerate()) - others
    assert not [one for one in later if one.name == "index-follower"]
