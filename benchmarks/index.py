"""Measures recall, latency, build and memory of the index at any size.

python -m benchmarks.index --sizes 1000,10000,100000 [--kind HNSW] [--memory-mb MB] [--json]

For each size a store with realistic vectors (benchmarks/vectors.py) is made, the index is built by
the process that a server would start, and a fresh process opens it as a server does and asks real
questions, one at a time on one thread, while another core is kept busy. The build knows half of
the questions as past ones and the other half is asked. Recall@10 is against exact search. A search
goes from the question's vector to the text of its ten passages; nothing is embedded in that time.

Results are written after each size. Rows of other sizes that were taken on the same machine stay,
each with its date. A million takes about five minutes, most of it the build, and 5 GB of disk.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from benchmarks.corpora import load_embedder
from benchmarks.index_store import FINGERPRINT, fill
from benchmarks.plots import write_pages
from benchmarks.results import OUT_DIR, RESULTS_DIR, machine, table, write_result
from benchmarks.vectors import BaseVectors, VectorMaker, load_base
from rag.index_keeper import order_of
from rag.index_kinds import IndexLimits, Kind, kind_for
from rag.index_process import NICENESS, read_progress, start
from rag.index_tune import exact_rows
from rag.snapshot import verify
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from rag.store_vectors import copy_vectors

DEFAULT_SIZES = "1000,10000,100000"
RESULT_NAME = "index"


@dataclass(frozen=True, slots=True)
class Run:
    """One size's figures; latencies are of whole searches, in milliseconds."""

    size: int
    kind: str
    factory: str
    recall_at_10: float
    p50_ms: float
    p95_ms: float
    cpu_p95_ms: float
    """The same as CPU time, which work beside it does not change."""
    index_p95_ms: float
    """Of the search in the index alone, without the passages' text."""
    build_cpu_s: float
    build_s: float
    memory_mb: float
    """What the process that searches grew by."""
    queries: int
    settings: str
    taken: str
    """The day."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one size's store, queries and snapshots are."""

    folder: Path

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self.folder / "store.sqlite3"

    @property
    def queries(self) -> Path:
        """Past questions, those that are asked, and their true passages."""
        return self.folder / "queries.npz"

    @property
    def indexes(self) -> SnapshotFolder:
        """The snapshots."""
        return SnapshotFolder(self.folder / "indexes")


def measure(
    size: int, base: BaseVectors, limits: IndexLimits, kind: Kind, folder: Path, niceness: int
) -> Run:
    """Make the store, build, and measure in another process."""
    place = Place(folder)
    _make_store(place, size, base)
    build_s, build_cpu_s, factory, settings = 0.0, 0.0, "Flat", ""
    if kind is not Kind.FLAT:
        if not place.indexes.current():
            _build(place, base.passages.shape[1], kind, limits, niceness)
        # What the process told, for an index that an earlier run kept too.
        told = read_progress(place.indexes.path)
        build_s = told.seconds if told else 0.0
        manifest = verify(place.indexes.folder_of(place.indexes.current()))
        build_cpu_s, factory = manifest.build_cpu_s, manifest.factory
        settings = " ".join(
            f"{name}={value}" for name, value in asdict(manifest.search).items() if value
        )
    asked = json.loads(_in_process("benchmarks.index_ask", str(folder)))
    return Run(
        size,
        asked["kind"],
        factory,
        asked["recall_at_10"],
        asked["p50_ms"],
        asked["p95_ms"],
        asked["cpu_p95_ms"],
        asked["index_p95_ms"],
        build_cpu_s or asked["open_cpu_s"],
        round(build_s, 1),
        asked["memory_mb"],
        asked["queries"],
        settings,
        time.strftime("%Y-%m-%d"),
    )


def _make_store(place: Place, size: int, base: BaseVectors) -> None:
    if place.queries.exists():
        return
    place.folder.mkdir(parents=True, exist_ok=True)
    dimension = base.passages.shape[1]
    with Store(place.store, FINGERPRINT, dimension) as store:
        fill(store, VectorMaker(base.passages).blocks(size))
        scratch = place.folder / "vectors.f32"
        everything = copy_vectors(store, scratch, lambda done, total: None)
        rows = exact_rows(everything.vectors, base.questions[1::2])
        scratch.unlink()
    np.savez(
        place.queries,
        past=base.questions[::2],
        questions=base.questions[1::2],
        truth=np.where(rows >= 0, everything.ids[rows], -1),
    )


def _build(place: Place, dimension: int, kind: Kind, limits: IndexLimits, niceness: int) -> None:
    with Store(place.store, FINGERPRINT, dimension) as store:
        with np.load(place.queries) as kept:
            past = kept["past"]
        process = start(order_of(store, place.indexes, kind, limits, past), niceness)
    if process.wait():
        told = read_progress(place.indexes.path)
        raise RuntimeError(f"no index was published: {told.error if told else 'killed'}")


def _in_process(module: str, *arguments: str) -> str:
    """The last line that a fresh process prints: its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each size; 1 when an index cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index", description=__doc__)
    parser.add_argument("--sizes", default=DEFAULT_SIZES, help="passages, comma separated")
    parser.add_argument("--kind", choices=[*map(str, Kind)], help="instead of the size's own")
    parser.add_argument("--memory-mb", type=int, default=IndexLimits().memory_mb)
    parser.add_argument("--niceness", type=int, default=NICENESS, help="of the build; 0 to 19")
    parser.add_argument("--keep", type=Path, help="use what is in this folder, keep the rest there")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    options = parser.parse_args(arguments)
    base = load_base(load_embedder())
    limits = IndexLimits(memory_mb=options.memory_mb)
    runs: list[Run] = []
    OUT_DIR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT_DIR) as scratch:
        for size in (int(text) for text in options.sizes.split(",")):
            kind = Kind(options.kind) if options.kind else kind_for(size, None, limits)
            folder = (options.keep or Path(scratch)) / str(size)
            runs.append(measure(size, base, limits, kind, folder, options.niceness))
            print(_shown(runs[-1:]), flush=True)
            if not options.kind:
                _write(runs, len(base.passages))
    if not options.kind:
        for path in write_pages():
            print(f"The plots are in {path}", file=sys.stderr)
    if options.json:
        figures = {"runs": [asdict(run) for run in runs], "real_vectors": len(base.passages)}
        print(json.dumps({**figures, "machine": machine()}))
    return 0


def _write(runs: Sequence[Run], real_vectors: int) -> None:
    path = RESULTS_DIR / f"{RESULT_NAME}.json"
    earlier = json.loads(path.read_bytes()) if path.exists() else {}
    kept = rows_beside(earlier, [run.size for run in runs])
    rows = sorted([*kept, *map(asdict, runs)], key=lambda row: int(row["size"]))
    write_result(RESULT_NAME, {"runs": rows, "real_vectors": real_vectors})


def rows_beside(earlier: Mapping[str, Any], sizes: Sequence[int]) -> list[dict[str, Any]]:
    """The rows of an earlier result that may stand beside new ones of these sizes, dated.

    None of another machine, and none that were taken beside other work.
    """
    if earlier.get("machine") != machine() or "beside" in earlier:
        return []
    return [
        {"taken": earlier["taken"], **row} for row in earlier["runs"] if row["size"] not in sizes
    ]


def _shown(runs: list[Run]) -> str:
    return table([list(asdict(runs[0])), *([*asdict(run).values()] for run in runs)])


if __name__ == "__main__":
    raise SystemExit(main())
