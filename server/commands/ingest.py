"""`parley ingest`: reads files into the store, once or whenever they change, and reports."""

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from models.embedder import MiniLmEmbedder
from models.espeak import EspeakLibrary
from rag.blocks import tidy_tags
from rag.ingest_report import IngestOptions, IngestReport, Progress
from rag.ingest_watch import FolderWatch
from rag.store import Store
from server.engines.preparation import (
    ingest_paths,
    load_embedder,
    open_store,
    prepare_language_model,
    refusing_damage,
)
from server.errors import StartError
from server.settings import Settings

DONE = 0
FAILED = 1
MISUSED = 2

SHOWN_UNSUPPORTED = 5
MAXIMUM_WORKERS = 4
"""Each reader may take 2 GB of memory and each batch a core."""

BAR_FORMAT = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} files{postfix}"

WATCH_POLL_S = 2.0

Wait = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """The command line of `parley ingest`."""

    paths: Sequence[Path]
    as_json: bool = False
    watches: bool = False
    options: IngestOptions = IngestOptions()


def ingest_options(collection: str | None, tags: Sequence[str], *, dry_run: bool) -> IngestOptions:
    """From the words of the command line. No --tag leaves known documents their tags."""
    workers = min(MAXIMUM_WORKERS, os.cpu_count() or 1)
    given = tidy_tags(tag for part in tags for tag in part.split(",")) if tags else None
    return IngestOptions(collection, given, dry_run, workers)


def run_ingest(request: IngestRequest, settings: Settings, wait: Wait | None = None) -> int:
    """Ingest; 1 when some file failed, 2 when a given path does not exist.

    When it watches, `wait` waits for some seconds and tells whether to stop; by default never.
    """
    missing = [path for path in request.paths if not path.exists()]
    for path in missing:
        print(f"parley: {path} does not exist", file=sys.stderr)
    if missing:
        return MISUSED
    embedder = load_embedder(settings, _say, request.options.workers)
    with refusing_damage(settings), open_store(settings, embedder) as store:
        if request.watches:
            return _watch(request, settings, store, embedder, wait or threading.Event().wait)
        return _ingest_once(request, settings, store, embedder)


def _ingest_once(
    request: IngestRequest, settings: Settings, store: Store, embedder: MiniLmEmbedder
) -> int:
    with tqdm(bar_format=BAR_FORMAT, file=sys.stderr, disable=None, leave=False) as bar:

        def on_progress(progress: Progress) -> None:
            bar.total = progress.total
            bar.set_postfix_str(format_rate(progress), refresh=False)
            bar.update(progress.done - bar.n)

        report = ingest_paths(request.paths, store, embedder, on_progress, request.options)
    if not report.is_dry_run and not report.stopped:
        _say("Teaching the recogniser the words of the documents")
        prepare_language_model(settings, store, EspeakLibrary())
    counts = store.counts()
    if request.as_json:
        print(json.dumps(asdict(report), ensure_ascii=False), flush=True)
    else:
        print(format_report(report))
        held = f"{counts.documents} documents, {counts.passages} passages"
        print(f"The store now holds {held}.", flush=True)
    return FAILED if report.failed or report.stopped else DONE


def _watch(
    request: IngestRequest,
    settings: Settings,
    store: Store,
    embedder: MiniLmEmbedder,
    wait: Wait,
) -> int:
    """Ingest, and again after every change, until interrupted or told to stop."""
    watch = FolderWatch(request.paths)
    is_due = True
    while True:
        if is_due:
            watch.take()
            try:
                _ingest_once(request, settings, store, embedder)
                is_due = False
            except StartError as error:
                _say(f"parley: {error}")
        if wait(WATCH_POLL_S):
            return DONE
        is_due = is_due or watch.has_settled()


def format_rate(progress: Progress) -> str:
    """Such as "61 passages/s, 2:05 left", as far as they are known."""
    rate = f"{progress.passages_per_s:.0f} passages/s"
    if progress.left_s is None:
        return rate
    minutes, seconds = divmod(round(progress.left_s), 60)
    return f"{rate}, {minutes}:{seconds:02d} left"


def format_report(report: IngestReport) -> str:
    """Return the report as lines for people."""
    did = "Would read" if report.is_dry_run else "Read"
    lines = [
        f"{did} {report.read} files ({report.passages} passages) in {report.seconds:.1f} s; "
        f"{report.skipped_unchanged} unchanged, {report.removed} removed, "
        f"{len(report.failed)} failed, {len(report.unsupported)} of other kinds."
    ]
    kept = report.passages - report.embedded
    lines += [f"  {kept} of the passages had not changed and kept their vectors"] if kept else []
    lines += [f"  failed: {failure.path}: {failure.reason}" for failure in report.failed]
    lines += [f"  not read: {path}" for path in report.unsupported[:SHOWN_UNSUPPORTED]]
    more = len(report.unsupported) - SHOWN_UNSUPPORTED
    lines += [f"  and {more} more of other kinds"] if more > 0 else []
    if report.stopped:
        left = f"{report.not_reached} files were not stored"
        lines.append(f"  stopped: {report.stopped}; {left}. The same command goes on from here.")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
