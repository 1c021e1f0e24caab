"""`parley ingest`: reads files into the store and reports what became of each."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from models.espeak import EspeakLibrary
from rag.ingest import IngestReport
from server.preparation import (
    ingest_paths,
    load_embedder,
    open_store,
    prepare_language_model,
)
from server.settings import Settings

DONE = 0
FAILED = 1
MISUSED = 2

SHOWN_UNSUPPORTED = 5


def run_ingest(paths: Sequence[Path], settings: Settings, *, as_json: bool) -> int:
    """Ingest; 1 when some file failed, 2 when a given path does not exist."""
    missing = [path for path in paths if not path.exists()]
    for path in missing:
        print(f"parley: {path} does not exist", file=sys.stderr)
    if missing:
        return MISUSED
    embedder = load_embedder(settings, _say)
    with open_store(settings, embedder) as store:
        with tqdm(unit=" files", file=sys.stderr, disable=None, leave=False) as bar:

            def on_progress(done: int, total: int, path: Path) -> None:
                bar.total = total
                bar.update(done - bar.n)

            report = ingest_paths(list(paths), store, embedder, on_progress)
        _say("Teaching the recogniser the words of the documents")
        prepare_language_model(settings, store, EspeakLibrary())
        counts = store.counts()
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        print(format_report(report))
        print(f"The store now holds {counts.documents} documents, {counts.passages} passages.")
    return FAILED if report.failed else DONE


def format_report(report: IngestReport) -> str:
    """Return the report as lines for people."""
    lines = [
        f"Read {report.read} files ({report.passages} passages) in {report.seconds:.1f} s; "
        f"{report.skipped_unchanged} unchanged, {report.removed} removed, "
        f"{len(report.failed)} failed, {len(report.unsupported)} of other kinds."
    ]
    lines += [f"  failed: {failure.path}: {failure.reason}" for failure in report.failed]
    lines += [f"  not read: {path}" for path in report.unsupported[:SHOWN_UNSUPPORTED]]
    more = len(report.unsupported) - SHOWN_UNSUPPORTED
    return "\n".join([*lines, f"  and {more} more of other kinds"] if more > 0 else lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
