"""How fast documents get into a store: passages a second, and ten thousand small files.

    python -m benchmarks.ingest [--passages 1200] [--files 10000] [--json]

It runs what `parley ingest` runs, with the embedder of the server, into a store that is thrown
away. Loading the embedder is not counted. The words are those of the sample documents in random
order, 100 to a passage, so that they have true numbers of tokens.
"""

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.results import write_result
from models.process_setup import set_up_process
from rag.embedding import Embedder
from rag.ingest import ingest
from rag.ingest_report import IngestOptions, IngestReport
from rag.store import Store
from server.commands.ingest import ingest_options
from server.engines.preparation import load_embedder
from server.settings import SAMPLES_DIR, load_settings

PASSAGE_WORDS = 100
SENTENCE_WORDS = 20
PASSAGES_A_DOCUMENT = 12
SMALL_FILE_WORDS = 20

TARGET_PASSAGES_PER_S = 60


@dataclass(frozen=True, slots=True)
class Run:
    """One ingest. CPU seconds are of this process and its readers, over all cores."""

    files: int
    passages: int
    failed: int
    seconds: float
    cpu_seconds: float
    passages_per_s: float
    passages_per_cpu_s: float
    """Of one core: what other work on the machine takes is not in it."""
    files_per_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write benchmarks/results/ingest.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--passages", type=int, default=1_200)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    set_up_process()
    options = ingest_options(None, [], dry_run=False)
    embedder = load_embedder(load_settings({}).settings, print_nothing, options.workers)
    embedder.embed(["warm"])
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        runs = measure(Path(folder), embedder, options, parsed.passages, parsed.files)
    figures = {
        "workers": options.workers,
        "load_before": round(load_before, 2),
        "peak_resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **{name: asdict(run) for name, run in runs.items()},
    }
    write_result("ingest", figures)
    print(json.dumps(figures) if parsed.json else report(figures, runs))
    return 0


def measure(
    folder: Path, embedder: Embedder, options: IngestOptions, passages: int, files: int
) -> dict[str, Run]:
    """The four runs by name."""
    words = sample_words()
    write_documents(folder / "documents", words, passages)
    write_small_files(folder / "small", words, files)
    runs: dict[str, Run] = {}
    with Store(folder / "store.sqlite3", embedder.fingerprint, embedder.dimension) as store:
        for name, where in (
            ("passages_of_100_words", "documents"),
            ("the_same_unchanged", "documents"),
            ("small_files", "small"),
            ("small_files_unchanged", "small"),
        ):
            runs[name] = timed(folder / where, store, embedder, options)
    return runs


def timed(folder: Path, store: Store, embedder: Embedder, options: IngestOptions) -> Run:
    """Ingest one folder."""
    cpu_before, before = cpu_seconds(), time.monotonic()
    told = ingest([folder], store, embedder, options=options)
    seconds, cpu = time.monotonic() - before, cpu_seconds() - cpu_before
    return as_run(told, seconds, cpu)


def as_run(told: IngestReport, seconds: float, cpu: float) -> Run:
    """Rates count what was read; files also what was found to be the same."""
    files = told.read + told.skipped_unchanged
    cpu = max(cpu, 1e-3)
    return Run(
        files, told.passages, len(told.failed), round(seconds, 2), round(cpu, 2),
        round(told.passages / seconds, 1), round(told.passages / cpu, 1), round(files / seconds, 1),
    )  # fmt: skip


def cpu_seconds() -> float:
    """Of this process, all threads, and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def sample_words() -> list[str]:
    """Every word of the sample documents, as often as it stands there."""
    texts = [path.read_text() for path in sorted(SAMPLES_DIR.glob("*.md"))]
    words = [word.strip(".,;:!?#*|()[]`\"'") for text in texts for word in text.split()]
    return [word for word in words if word.isalpha()]


def write_documents(folder: Path, words: Sequence[str], passages: int) -> None:
    """Markdown files of PASSAGES_A_DOCUMENT sections of PASSAGE_WORDS words each."""
    chance = random.Random(4)
    folder.mkdir()
    for first in range(0, passages, PASSAGES_A_DOCUMENT):
        count = min(PASSAGES_A_DOCUMENT, passages - first)
        sections = [f"## Part {n}\n\n{prose(chance, words, PASSAGE_WORDS)}\n" for n in range(count)]
        (folder / f"{first:06}.md").write_text("\n".join([f"# Document {first}\n", *sections]))


def write_small_files(folder: Path, words: Sequence[str], files: int) -> None:
    """Text files of SMALL_FILE_WORDS words, in folders of a hundred."""
    chance = random.Random(5)
    for number in range(files):
        path = folder / f"{number // 100:04}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(prose(chance, words, SMALL_FILE_WORDS) + "\n")


def prose(chance: random.Random, words: Sequence[str], count: int) -> str:
    """Sentences of SENTENCE_WORDS words."""
    chosen = chance.choices(words, k=count)
    starts = range(0, count, SENTENCE_WORDS)
    parts = (" ".join(chosen[start : start + SENTENCE_WORDS]) for start in starts)
    return " ".join(part.capitalize() + "." for part in parts)


def report(figures: dict[str, object], runs: dict[str, Run]) -> str:
    """The figures as lines for people."""
    lines: Iterable[str] = (
        f"{name.replace('_', ' ')}: {run.files} files, {run.passages} passages read, "
        f"{run.failed} failed, in {run.seconds} s ({run.cpu_seconds} CPU s): "
        f"{run.passages_per_s} passages/s ({run.passages_per_cpu_s} a CPU second), "
        f"{run.files_per_s} files/s"
        for name, run in runs.items()
    )
    first = (
        f"{figures['workers']} workers, load average {figures['load_before']} before, at most "
        f"{figures['peak_resident_mb']} MB; target {TARGET_PASSAGES_PER_S} passages/s"
    )
    return "\n".join([first, *lines])


def print_nothing(text: str) -> None:
    """The embedder's preparation is not reported."""


if __name__ == "__main__":
    raise SystemExit(main())
