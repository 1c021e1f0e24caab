"""The process that builds an index beside a server, at the lowest priority and on one thread.

python -m rag.index_process ORDER NICENESS, where ORDER is the JSON of a BuildOrder. It tells how
far it is in progress.json beside the snapshots. It decides nothing.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from rag.embedding import Vectors
from rag.index_build import RecallNotReachedError, build
from rag.index_kinds import IndexLimits, IndexPolicy, Kind
from rag.schema import StoreError
from rag.snapshot_folder import BuildRunningError, SnapshotFolder
from rag.store import Store

NICENESS = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""Linux: the niceness of the session among the others."""
PROGRESS_NAME = "progress.json"
_REPORT_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """Which index is to be built, from what, and where to."""

    store_path: Path
    fingerprint: str
    dimension: int
    folder: Path
    kind: Kind
    limits: IndexLimits
    past_queries: Path | None = None
    """A .npy file of asked questions' vectors; the process removes it."""

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "BuildOrder":
        """The inverse of to_json."""
        told: dict[str, Any] = json.loads(text)
        limits = told["limits"] | {"policy": IndexPolicy(told["limits"]["policy"])}
        return cls(
            Path(told["store_path"]),
            told["fingerprint"],
            told["dimension"],
            Path(told["folder"]),
            Kind(told["kind"]),
            IndexLimits(**limits),
            Path(told["past_queries"]) if told["past_queries"] else None,
        )


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is; `error` is not empty once it has failed, `version` once it is done."""

    process: int
    kind: str
    step: str
    done: int
    total: int
    seconds: float
    error: str = ""
    version: str = ""
    started_ticks: int = 0
    """When the process started, in the system's ticks; 0 where the system does not say."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.error or self.version)

    @property
    def is_running(self) -> bool:
        """Whether more will come. One that was killed has told of no end.

        Its number may be another process's by now: in a container that starts again they count
        from 1 again, and no index would ever be built.
        """
        is_its_own = self.started_ticks == started_ticks(self.process)
        return not self.is_over and is_alive(self.process) and is_its_own


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def started_ticks(process: int) -> int:
    """When a process started (proc(5), field 22 of stat); 0 where the system does not say."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def start(order: BuildOrder, niceness: int = NICENESS) -> subprocess.Popen[bytes]:
    """Start the process that builds, in a session of its own; its output is this process's.

    Only who measures gives another niceness, on a machine whose other work would starve it.
    """
    threads = ["OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "OMP_WAIT_POLICY=PASSIVE"]
    command = ["env", *threads, sys.executable, "-m", "rag.index_process", order.to_json()]
    command.append(str(niceness))
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, start_new_session=True)


def read_progress(folder: Path) -> BuildProgress | None:
    """What the last build told, or None where none did."""
    try:
        return BuildProgress(**json.loads((folder / PROGRESS_NAME).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


@dataclass(slots=True)
class _Reporter:
    order: BuildOrder
    started_s: float = field(default_factory=time.monotonic)
    _told_s: float = -1.0
    _step: str = ""

    def tell(self, step: str, done: int, total: int) -> None:
        now_s = time.monotonic()
        if step != self._step or now_s - self._told_s > _REPORT_EVERY_S:
            self._step, self._told_s = step, now_s
            self.write(step, done, total)

    def write(
        self, step: str, done: int, total: int, *, error: str = "", version: str = ""
    ) -> None:
        seconds = round(time.monotonic() - self.started_s, 1)
        progress = BuildProgress(
            os.getpid(), str(self.order.kind), step, done, total, seconds, error, version,
            started_ticks(os.getpid()),
        )  # fmt: skip
        part = self.order.folder / f"{PROGRESS_NAME}.{os.getpid()}.part"
        part.write_text(json.dumps(asdict(progress)), encoding="utf-8")
        os.replace(part, self.order.folder / PROGRESS_NAME)


def run(order: BuildOrder) -> int:
    """Build in this process; 1 when nothing was published."""
    order.folder.mkdir(parents=True, exist_ok=True)
    reporter = _Reporter(order)
    try:
        with Store(order.store_path, order.fingerprint, order.dimension) as store:
            folder = SnapshotFolder(order.folder)
            past = _past_queries(order)
            made = build(store, folder, order.kind, order.limits, reporter.tell, past)
    except BuildRunningError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except (
        RecallNotReachedError,
        StoreError,
        OSError,
        MemoryError,
        RuntimeError,
        ValueError,
    ) as error:
        reporter.write("failed", 0, 1, error=str(error) or type(error).__name__)
        return 1
    reporter.write("published", 1, 1, version=made.version)
    return 0


def _past_queries(order: BuildOrder) -> Vectors | None:
    if order.past_queries is None:
        return None
    past: Vectors = np.load(order.past_queries)
    order.past_queries.unlink()
    return past


def step_back(niceness: int) -> None:
    """Lower this process's priority for good; from NICENESS on it runs where nothing else would.

    Linux gives each session its share of the cores and niceness counts within it only, so that a
    build in the server's session makes the server's threads wait: woken threads beside two nice
    processes 2.0 and 7.4 ms at p75 and p95, beside these 0.1 and 2.9, beside none 0.1 and 0.3.
    """
    os.nice(niceness)
    if niceness < NICENESS:
        return
    with suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):
        AUTOGROUP.write_text(str(niceness), encoding="ascii")


def main() -> int:
    """Step back, then build."""
    step_back(int(sys.argv[2]))
    faiss.omp_set_num_threads(1)
    return run(BuildOrder.from_json(sys.argv[1]))


if __name__ == "__main__":
    raise SystemExit(main())
