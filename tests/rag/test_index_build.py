import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.index_build import RecallNotReachedError, build
from rag.index_kinds import IndexPolicy, Kind, Storage, plan_with
from rag.index_live import LiveIndex
from rag.index_process import BuildOrder, read_progress, run, start
from rag.index_retune import RetuneError, retune
from rag.index_tune import exact_rows, held_out_queries, proofs_for, recall_at_10, tune
from rag.snapshot import open_snapshot, verify
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

SIZE = 2_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_clouds(tmp_path) as opened:
        put(opened, "first", clouds(SIZE))
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(tmp_path / "indexes")


@pytest.mark.parametrize("kind", [Kind.IVF, Kind.HNSW])
def test_a_published_index_has_the_recall_that_it_was_proven_to_have(
    store: Store, folder: SnapshotFolder, kind: Kind
) -> None:
    """Asked anew with other queries, through the index that serves."""
    manifest = build_index(store, folder, kind).manifest
    assert manifest.recall_at_10 >= LIMITS.recall
    assert manifest.queries >= 200
    index = LiveIndex(store, open_snapshot(folder.folder_of(folder.current())))
    queries = clouds(200, 5)
    truth = np.array([nearest(store, query, 10) for query in queries])
    assert index.kind == kind
    assert recall_at_10(index.search(queries, 10)[0], truth) >= LIMITS.recall - 0.01


@pytest.mark.parametrize("storage", list(Storage))
def test_every_storage_reaches_the_recall(storage: Storage) -> None:
    """Short codes by comparing the best again with the exact vectors."""
    from rag.index_build import _Builder

    vectors = clouds(SIZE)
    builder = _Builder(vectors, LIMITS, lambda step, done, total: None, vectors[:0])
    made = builder._made(plan_with(Kind.IVF, storage, SIZE, DIMENSION))
    assert made.tuned.recall >= LIMITS.recall


def test_no_index_is_published_that_misses_the_recall(store: Store, folder: SnapshotFolder) -> None:
    """What was published before stays, and the error says how far it came."""
    before = build_index(store, folder).version
    impossible = replace(LIMITS, recall=1.1)
    with pytest.raises(RecallNotReachedError, match="at most"):
        build(store, folder, Kind.IVF, impossible)
    assert folder.current() == before
    assert folder.versions() == [before]


def test_past_queries_are_what_the_recall_is_proven_with(
    store: Store, folder: SnapshotFolder
) -> None:
    """Beside the made ones, once there are enough to trust."""
    made = build(store, folder, Kind.IVF, LIMITS, past_queries=clouds(300, 8)).manifest
    few = build(store, folder, Kind.IVF, LIMITS, past_queries=clouds(30, 8)).manifest
    assert made.queries - few.queries == 300


def test_settings_are_no_dearer_than_the_recall_needs(store: Store) -> None:
    """A lower target looks into fewer cells."""
    from rag.index_build import _Builder

    vectors = clouds(SIZE)
    plan = plan_with(Kind.IVF, Storage.FP32, SIZE, DIMENSION)
    builder = _Builder(vectors, LIMITS, lambda step, done, total: None, vectors[:0])
    index = builder._filled(plan, builder._trained(plan))
    high = tune(index, plan, vectors, proofs_for(vectors, vectors[:0], 0.99), 0.99)
    low = tune(index, plan, vectors, proofs_for(vectors, vectors[:0], 0.7), 0.7)
    assert low.search.nprobe < high.search.nprobe <= plan.cells
    assert low.recall >= 0.7


def test_made_queries_are_near_the_passages_but_none_of_them() -> None:
    """Or each would find itself and every setting would look good."""
    vectors = clouds(SIZE)
    queries = held_out_queries(vectors)
    best = (queries @ vectors.T).max(axis=1)
    assert np.allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    assert best.min() > 0.55
    assert best.max() < 0.999


def test_exact_neighbours_are_those_of_comparing_all() -> None:
    """Block by block as at once; fewer vectors than ten leave the rest empty."""
    vectors, queries = clouds(45_000), clouds(5, 3)
    truth = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :10]
    assert np.array_equal(exact_rows(vectors, queries), truth)
    assert (exact_rows(vectors[:4], queries)[:, 4:] == -1).all()


def test_the_measured_policy_publishes_the_kind_that_is_fast_enough(
    store: Store, folder: SnapshotFolder
) -> None:
    """IVF within the budget; where it is not, the faster of both."""
    roomy = replace(LIMITS, policy=IndexPolicy.MEASURED, latency_ms=1000.0)
    tight = replace(LIMITS, policy=IndexPolicy.MEASURED, latency_ms=0.0)
    assert build(store, folder, Kind.IVF, roomy).manifest.kind is Kind.IVF
    assert build(store, folder, Kind.IVF, tight).manifest.recall_at_10 >= LIMITS.recall


def test_tuning_again_keeps_the_index_and_changes_its_settings(
    store: Store, folder: SnapshotFolder
) -> None:
    """The same bytes under a new manifest; removed passages ask for a rebuild instead."""
    assert retune(store, folder, 0.9) == ""
    before = build_index(store, folder)
    version = retune(store, folder, 0.6)
    manifest = verify(folder.folder_of(version))
    assert folder.current() == version
    assert manifest.sha256 == before.manifest.sha256
    assert manifest.search.nprobe < before.manifest.search.nprobe
    put(store, "first", clouds(SIZE, 1))
    with pytest.raises(RetuneError, match="rebuild"):
        retune(store, folder, 0.9)


def order(store: Store, folder: SnapshotFolder, recall: float = 0.97) -> BuildOrder:
    limits = replace(LIMITS, recall=recall)
    return BuildOrder(store.path, FINGERPRINT, DIMENSION, folder.path, Kind.IVF, limits)


def test_an_order_comes_back_from_its_text(store: Store, folder: SnapshotFolder) -> None:
    """With every limit and path."""
    made = replace(order(store, folder), past_queries=folder.path / "past.npy")
    assert BuildOrder.from_json(made.to_json()) == made


def test_the_building_process_publishes_and_tells_its_progress(
    store: Store, folder: SnapshotFolder
) -> None:
    """What it wrote last names the version."""
    assert start(order(store, folder), niceness=0).wait(50) == 0
    told = read_progress(folder.path)
    assert told is not None
    assert told.is_over
    assert told.version == folder.current() != ""
    assert told.step == "published"


def test_a_build_that_fails_says_why_in_its_progress(store: Store, folder: SnapshotFolder) -> None:
    """And leaves no half-made folder."""
    assert run(order(store, folder, recall=1.1)) == 1
    told = read_progress(folder.path)
    assert told is not None
    assert "recall@10" in told.error
    assert folder.versions() == []
    assert not list(folder.path.glob(".building-*"))


def test_a_disk_that_fills_up_in_a_build_leaves_what_was_published(
    tmp_path: Path, small_disk: Path
) -> None:
    """It says that there is no room, in its progress; the index that was there is whole."""
    folder = SnapshotFolder(small_disk / "indexes")
    with open_clouds(tmp_path) as store:
        put(store, "first", clouds(500))
        before = build_index(store, folder).version
        put(store, "more", clouds(4_000, 1))
        assert run(order(store, folder)) == 1
    told = read_progress(folder.path)
    assert told is not None
    assert "No space left" in told.error
    assert folder.versions() == [before]
    assert verify(folder.folder_of(before)).size == 500
    assert not list(folder.path.glob(".building-*"))


STEP_BACK = """
import os
from rag.index_process import AUTOGROUP, NICENESS, step_back
step_back(NICENESS)
group = AUTOGROUP.read_text().split()[-1] if AUTOGROUP.is_file() else "none"
print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, group)
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux alone can be asked")
def test_a_build_steps_back_behind_every_other_session() -> None:
    """Niceness alone counts within a session, and would make the server's own threads wait."""
    command = [sys.executable, "-c", STEP_BACK]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, start_new_session=True, timeout=60
    )
    niceness, is_idle, autogroup = told.stdout.split()
    assert (niceness, is_idle) == ("19", "True")
    assert autogroup in ("19", "none")


def test_a_build_has_a_session_of_its_own(store: Store, folder: SnapshotFolder) -> None:
    """Or stepping back would put the server itself behind."""
    process = start(order(store, folder))
    try:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
    finally:
        process.kill()
        process.wait()
