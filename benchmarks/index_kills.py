"""Kills the building process at random moments and proves that an index is old or new, never a mix.

python -m benchmarks.index_kills [--kills 60] [--json]

Half of the kills fall anywhere in a build's time, half on the moment of publishing.
Before each kill a document is added and one removed, so that old and new differ. After it the
folder must hold whole versions only, the current one must be one that was published, a search must
find what is stored, and what was removed must not be found. It measures no times.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.index_store import FINGERPRINT, add_vectors
from benchmarks.results import OUT_DIR, write_result
from rag.embedding import Vectors
from rag.index_keeper import IndexKeeper, order_of
from rag.index_kinds import IndexLimits, Kind
from rag.index_process import read_progress, start
from rag.snapshot import verify
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store

PASSAGES = 3_000
DIMENSION = 64
ADDED = 50
PUBLISHING_S = 0.03
"""About how long writing, syncing and naming the files of so small an index take."""
LIMITS = IndexLimits(flat_max=100)


@dataclass(slots=True)
class Outcome:
    """What came of the kills."""

    kills: int = 0
    old: int = 0
    new: int = 0
    inconsistent: list[str] = field(default_factory=list)


def vectors(count: int, seed: int) -> Vectors:
    """Random unit vectors."""
    made = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    unit: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def prove(kills: int, folder: Path) -> Outcome:
    """Kill that many builds, each at another moment of the time that a whole one takes."""
    outcome, chance = Outcome(), random.Random(30)
    with Store(folder / "store.sqlite3", FINGERPRINT, DIMENSION) as store:
        indexes = SnapshotFolder(folder / "indexes")
        add_vectors(store, vectors(PASSAGES, 0), 0)
        longest_s = _build(store, indexes)
        for number in range(1, kills + 1):
            before = indexes.current()
            add_vectors(store, vectors(ADDED, number), number * 100)
            if number > 1:
                store.remove_documents([f"made-{(number - 1) * 100:06d}"])
            if number % 2:
                _kill_after(store, indexes, chance.uniform(0, longest_s))
            else:
                _kill_while_publishing(store, indexes, chance.uniform(0, PUBLISHING_S))
            outcome.kills += 1
            outcome.old += indexes.current() == before
            outcome.new += indexes.current() != before
            problem = _problem(store, indexes, number)
            if problem:
                outcome.inconsistent.append(f"kill {number}: {problem}")
    return outcome


def _build(store: Store, indexes: SnapshotFolder) -> float:
    started = time.monotonic()
    if start(order_of(store, indexes, Kind.IVF, LIMITS), niceness=0).wait():
        raise RuntimeError("a build that nobody killed failed")
    return time.monotonic() - started


def _kill_after(store: Store, indexes: SnapshotFolder, seconds: float) -> None:
    process = start(order_of(store, indexes, Kind.IVF, LIMITS), niceness=0)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _kill_while_publishing(store: Store, indexes: SnapshotFolder, seconds: float) -> None:
    """Kill `seconds` after the process has said that it publishes."""
    process = start(order_of(store, indexes, Kind.IVF, LIMITS), niceness=0)
    while process.poll() is None:
        told = read_progress(indexes.path)
        if told and told.process == process.pid and told.step in ("publishing", "published"):
            time.sleep(seconds)
            process.kill()
            process.wait()


def _problem(store: Store, indexes: SnapshotFolder, number: int) -> str:
    for version in indexes.versions():
        verify(indexes.folder_of(version))
    keeper = IndexKeeper(store, indexes, LIMITS)
    if keeper.alerts:
        return keeper.alerts[0]
    table = store.vector_table()
    state = keeper.index.state
    if state.size != len(table.ids):
        return f"{state.size} passages are searched, {len(table.ids)} are stored"
    ids, _ = keeper.index.search(table.vectors[-ADDED:], 1)
    if ids[:, 0].tolist() != table.ids[-ADDED:].tolist():
        return "a passage that is stored is not found"
    removed, _ = keeper.index.search(vectors(ADDED, number - 1), 10)
    return "" if np.isin(removed, table.ids).all() else "a removed passage is found"


def main(arguments: list[str] | None = None) -> int:
    """Print the outcome; 1 for any inconsistency."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args(arguments)
    OUT_DIR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT_DIR) as folder:
        outcome = prove(options.kills, Path(folder))
    figures = {
        "kills": outcome.kills,
        "old": outcome.old,
        "new": outcome.new,
        "inconsistent": outcome.inconsistent,
    }
    write_result("index-kills", figures)
    print(json.dumps(figures))
    return 1 if outcome.inconsistent else 0


if __name__ == "__main__":
    raise SystemExit(main())
