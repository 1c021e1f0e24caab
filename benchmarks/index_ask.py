"""Asks an index from a process of its own, as a server would; benchmarks/index.py starts it.

python -m benchmarks.index_ask FOLDER [--quiet]. It prints one JSON object and builds nothing.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss
import numpy as np

from benchmarks.index_store import FINGERPRINT
from rag.embedding import Vector, Vectors
from rag.index_keeper import IndexKeeper
from rag.index_kinds import IndexLimits
from rag.index_tune import recall_at_10
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store

DEPTH = 10
WARM_UP = 50


def main(arguments: list[str]) -> int:
    """Print recall, latency and memory."""
    faiss.omp_set_num_threads(1)
    folder = Path(arguments[0])
    with np.load(folder / "queries.npz") as kept:
        questions, truth = kept["questions"], kept["truth"]
    with Store(folder / "store.sqlite3", FINGERPRINT, questions.shape[1]) as store:
        before_mb, started_s = _resident_mb(), time.process_time()
        keeper = IndexKeeper(store, SnapshotFolder(folder / "indexes"), IndexLimits())
        open_cpu_s = time.process_time() - started_s
        index = keeper.index

        def whole(vector: Vector) -> None:
            ids, _ = index.search(vector[None, :], DEPTH)
            store.fetch(ids[0].tolist())

        with _busy_core():
            whole_ms, cpu_ms = _times_ms(whole, questions)
            index_ms, _ = _times_ms(lambda vector: index.search(vector[None, :], DEPTH), questions)
        found = np.vstack([index.search(vector[None, :], DEPTH)[0] for vector in questions])
        told = {
            "kind": index.kind,
            "recall_at_10": round(recall_at_10(found, truth), 4),
            "p50_ms": round(float(np.percentile(whole_ms, 50)), 3),
            "p95_ms": round(float(np.percentile(whole_ms, 95)), 3),
            "cpu_p95_ms": round(float(np.percentile(cpu_ms, 95)), 3),
            "index_p95_ms": round(float(np.percentile(index_ms, 95)), 3),
            "memory_mb": round(_resident_mb() - before_mb, 1),
            "open_cpu_s": round(open_cpu_s, 2),
            "queries": len(questions),
        }
    print(json.dumps(told))
    return 0


def _times_ms(
    search: Callable[[Vector], object], questions: Vectors
) -> tuple[list[float], list[float]]:
    """What each search takes by the clock, and of the processor."""
    for vector in questions[:WARM_UP]:
        search(vector)
    times_ms, cpu_ms = [], []
    for vector in questions:
        started, cpu_started = time.perf_counter(), time.thread_time()
        search(vector)
        cpu_ms.append((time.thread_time() - cpu_started) * 1000)
        times_ms.append((time.perf_counter() - started) * 1000)
    return times_ms, cpu_ms


@contextmanager
def _busy_core() -> Iterator[None]:
    """Keep one core busy, and this process on another where the system lets it choose."""
    spin = "while True: pass"
    process = subprocess.Popen([sys.executable, "-c", spin])
    try:
        with suppress(AttributeError, OSError):
            cores = sorted(os.sched_getaffinity(0))
            if len(cores) > 1:
                os.sched_setaffinity(process.pid, {cores[0]})
                os.sched_setaffinity(0, set(cores[1:]))
        yield
    finally:
        process.kill()
        process.wait()


def _resident_mb() -> float:
    """Resident memory of this process, mapped files too."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
