"""Asks 20 times a second while a corpus grows through the kinds of index.

python -m benchmarks.index_live [--sizes 9000,13000,110000] [--rate 250] [--json]

Another process adds passages to the store, as an ingest beside a server does; the building process
is the one that a server starts, the keeper is looked after once a second and the index follows the
store between questions, as a server has it.
Each query asks for a stored passage by its own vector, every other time for the newest; now and
then a passage is added, asked for, removed and asked for again. A query is wrong when it finds
another passage first, or the removed one. Quiet is the time without writing and building.

The rate is four times what an ingest embeds on two cores. What comes while a build runs is compared
one by one: at 1,500 a second 90,000 passages waited beside the old index, and searches took 30 ms.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss
import numpy as np

from benchmarks.corpora import load_embedder
from benchmarks.index_store import FINGERPRINT, add_vectors, fill
from benchmarks.results import OUT_DIR, percentiles, write_result
from benchmarks.vectors import VectorMaker, load_base
from models.process_setup import set_up_process
from rag.embedding import Vector
from rag.index_follow import following
from rag.index_keeper import IndexKeeper
from rag.index_kinds import IndexLimits
from rag.schema import StoreError
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store

QUERIES_PER_S = 20
QUIET_S = 15.0
LOOK_EVERY_S = 1.0
GUEST_EVERY = 40
"""Every so many queries a passage comes and goes."""
GUEST_DOCUMENT = 9_999_999
SAME_COSINE = 0.9999
LONGEST_BUILD_S = 1200.0
BATCH = 250


@dataclass(slots=True)
class Tally:
    """What the queries of one kind of time gave."""

    times_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """Of the asking thread: what a query costs, whatever else runs."""
    wrong: int = 0
    failed: int = 0


@dataclass(slots=True)
class Asker:
    """Asks on a thread of its own at even intervals, and sorts what it measures by the time."""

    store: Store
    keeper: IndexKeeper
    period: str
    tallies: dict[str, Tally] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def run(self) -> None:
        """Until stop()."""
        count = 0
        due_s = time.monotonic()
        while not self._stop.wait(max(0.0, due_s - time.monotonic())):
            due_s += 1 / QUERIES_PER_S
            count += 1
            tally = self.tallies.setdefault(self.period, Tally())
            try:
                if count % GUEST_EVERY:
                    self._ask(tally)
                else:
                    self._ask_for_a_guest(tally)
            except (RuntimeError, ValueError, KeyError, StoreError) as error:
                tally.failed += 1
                print(f"query failed: {error}", file=sys.stderr)

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def _ask(self, tally: Tally) -> None:
        passage_id, vector = self._pick()
        first = self._found(tally, vector)[0]
        if first != passage_id:
            # Text that stands in two documents has one vector.
            twin = self.store.vectors([first]).get(first)
            tally.wrong += twin is None or float(np.dot(twin, vector)) < SAME_COSINE

    def _ask_for_a_guest(self, tally: Tally) -> None:
        """Add a passage, ask for it, remove it, ask again: the very next queries must know."""
        _, vector = self._pick()
        vector = vector[np.random.default_rng(0).permutation(len(vector))]
        add_vectors(self.store, vector[None, :], GUEST_DOCUMENT)
        with self.store.reading() as connection:
            guest = connection.execute("SELECT max(id) FROM passages").fetchone()[0]
            name = connection.execute(
                "SELECT path FROM documents JOIN passages ON documents.id = document_id "
                "WHERE passages.id = ?",
                (guest,),
            ).fetchone()[0]
        is_guest = name == f"made-{GUEST_DOCUMENT:06d}"
        found = self._found(tally, vector)
        tally.wrong += is_guest and found[0] != guest
        self.store.remove_documents([f"made-{GUEST_DOCUMENT:06d}"])
        tally.wrong += is_guest and guest in self._found(tally, vector)

    def _found(self, tally: Tally, vector: Vector) -> list[int]:
        started, cpu_started = time.perf_counter(), time.thread_time()
        ids, _ = self.keeper.index.search(vector[None, :], 10)
        self.store.fetch(ids[0].tolist())
        tally.cpu_ms.append((time.thread_time() - cpu_started) * 1000)
        tally.times_ms.append((time.perf_counter() - started) * 1000)
        found: list[int] = ids[0].tolist()
        return found

    def _pick(self) -> tuple[int, Vector]:
        """A stored passage: one of the newest every other time."""
        with self.store.reading() as connection:
            last = connection.execute("SELECT max(passage_id) FROM vectors").fetchone()[0]
            wanted = last if self._rng.random() < 0.5 else int(self._rng.integers(1, last + 1))
            row = connection.execute(
                "SELECT passage_id, vector FROM vectors WHERE passage_id >= ? "
                "ORDER BY passage_id LIMIT 1",
                (wanted,),
            ).fetchone()
        return int(row[0]), np.frombuffer(row[1], "<f4")


@dataclass(slots=True)
class Growth:
    """Drives one store from size to size."""

    folder: Path
    rate: float
    store: Store
    keeper: IndexKeeper
    asker: Asker
    switches: list[dict[str, object]] = field(default_factory=list)

    def run(self, sizes: list[int]) -> None:
        """From the first size, which is there, to the others in turn."""
        self.quiet(f"quiet at {sizes[0]}")
        for size in sizes[1:]:
            self.grow(size)
            self.quiet(f"quiet at {size}")

    def quiet(self, name: str) -> None:
        """Let queries run alone."""
        self.asker.period = name
        until_s = time.monotonic() + QUIET_S
        self._looking(lambda: time.monotonic() < until_s)

    def grow(self, size: int) -> None:
        """Add up to `size` passages from another process, and wait until no build is due."""
        number = self.store.counts().passages
        arguments = [str(self.folder), str(number), str(size), str(self.rate)]
        writer = subprocess.Popen([sys.executable, "-m", __spec__.name, "--write", *arguments])
        self._looking(lambda: writer.poll() is None or self.keeper.is_busy, f"to {size}")
        if writer.wait():
            raise RuntimeError("the writing process failed")

    def _looking(self, goes_on: Callable[[], bool], build: str = "") -> None:
        started_s = time.monotonic()
        while goes_on() and time.monotonic() - started_s < LONGEST_BUILD_S:
            is_building = self.keeper.is_busy
            if build:
                self.asker.period = f"{'build' if is_building else 'writing'} {build}"
            if self.keeper.look():
                status = asdict(self.keeper.index.state.snapshot.manifest)  # type: ignore[union-attr]
                told = {name: status[name] for name in ("kind", "size", "recall_at_10", "factory")}
                self.switches.append({"seconds": round(time.monotonic() - started_s, 1), **told})
                print(self.switches[-1], flush=True)
            time.sleep(LOOK_EVERY_S)


def write(folder: Path, start: int, size: int, rate: float) -> int:
    """Add made passages in documents of BATCH at `rate` a second; the other process's part."""
    maker = VectorMaker(load_base(load_embedder()).passages, seed=start)
    with Store(folder / "store.sqlite3", FINGERPRINT, 384) as store:
        started_s = time.monotonic()
        for done in range(0, size - start, BATCH):
            count = min(BATCH, size - start - done)
            add_vectors(store, maker.make(count), 1_000_000 + start + done)
            time.sleep(max(0.0, started_s + (done + count) / rate - time.monotonic()))
    return 0


def measure(sizes: list[int], rate: float, folder: Path) -> dict[str, object]:
    """Grow through the sizes under questions and return the figures."""
    faiss.omp_set_num_threads(1)
    base = load_base(load_embedder())
    with Store(folder / "store.sqlite3", FINGERPRINT, base.passages.shape[1]) as store:
        fill(store, VectorMaker(base.passages).blocks(sizes[0]))
        keeper = IndexKeeper(store, SnapshotFolder(folder / "indexes"), IndexLimits())
        asker = Asker(store, keeper, f"quiet at {sizes[0]}")
        growth = Growth(folder, rate, store, keeper, asker)
        thread = threading.Thread(target=asker.run)
        thread.start()
        try:
            with following(keeper.index):
                growth.run(sizes)
        finally:
            asker.stop()
            thread.join()
            keeper.close()
    return _figures(asker.tallies, growth.switches)


def _figures(tallies: dict[str, Tally], switches: list[dict[str, object]]) -> dict[str, object]:
    periods = {
        name: {
            **percentiles_of(tally),
            "cpu_p99": round(float(np.percentile(tally.cpu_ms or [0.0], 99)), 2),
            "wrong": tally.wrong,
            "failed": tally.failed,
        }
        for name, tally in tallies.items()
    }
    return {
        "periods": periods,
        "switches": switches,
        "wrong": sum(tally.wrong for tally in tallies.values()),
        "failed": sum(tally.failed for tally in tallies.values()),
        "p99_ratio": worst_ratio({name: told["p99"] for name, told in periods.items()}),
        "cpu_p99_ratio": worst_ratio({name: told["cpu_p99"] for name, told in periods.items()}),
    }


def worst_ratio(p99_ms: Mapping[str, float]) -> float:
    """The p99 of a growth's builds by that of the quiet before or after it, the greater of both."""
    quiet = [value for name, value in p99_ms.items() if name.startswith("quiet")]
    building = [value for name, value in p99_ms.items() if name.startswith("build")]
    pairs = zip(building, quiet, quiet[1:], strict=False)
    return round(max((value / max(around) for value, *around in pairs), default=0.0), 2)


def percentiles_of(tally: Tally) -> dict[str, float]:
    """count, p50, p95 and p99 in milliseconds."""
    return percentiles(tally.times_ms)


def main(arguments: list[str] | None = None) -> int:
    """Print the periods; 1 when a query failed or was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index_live", description=__doc__)
    parser.add_argument("--sizes", default="9000,13000,110000")
    parser.add_argument("--rate", type=float, default=250.0, help="passages added a second")
    parser.add_argument("--write", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args(arguments)
    if options.write:
        folder, start, size, rate = options.write
        return write(Path(folder), int(start), int(size), float(rate))
    set_up_process()
    OUT_DIR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT_DIR) as scratch:
        sizes = [int(text) for text in options.sizes.split(",")]
        figures = measure(sizes, options.rate, Path(scratch))
    write_result("index-live", figures)
    for name, value in figures["periods"].items():  # type: ignore[attr-defined]
        print(f"{name:24} {value}")
    if options.json:
        print(json.dumps(figures))
    return 1 if figures["wrong"] or figures["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
