"""Reads files and folders into the store in parallel and reports what became of each.

It builds no index; whoever serves makes a new one when the store's generation has grown.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rag.embedding import Embedder, Vectors
from rag.ingest_batches import Batch, Pending, make_batches, make_pending, text_hash
from rag.ingest_files import FileReader, Outcome
from rag.ingest_parallel import Window, in_parallel
from rag.ingest_report import Failure, IngestOptions, IngestReport, OnProgress, Progress, shown
from rag.read_pool import ReadPool
from rag.schema import StoreError
from rag.store import DocumentRecord, Store
from rag.walk import Found, Refused, find_files

FILES_AHEAD = 64
BYTES_AHEAD = 100_000_000
"""Files that are read or wait to be embedded, in number and together in size."""


def ingest(
    paths: Sequence[Path],
    store: Store,
    embedder: Embedder,
    on_progress: OnProgress = lambda progress: None,
    options: IngestOptions | None = None,
) -> IngestReport:
    """Make the store agree with the files: read what is new or changed, forget what is gone.

    A file that can no longer be read is reported and its previous version stays. Interrupted at
    any moment, every document is whole, old or new, and a second run goes on where it stopped.
    When the disk fails the report says so, and the store is as it was after the last batch.
    Raises StoreBusyError when another process is ingesting; what the embedder raises is passed on.
    """
    with store.exclusive_writer():
        run = _Run(store, embedder, options or IngestOptions(), on_progress)
        try:
            run.take(paths)
            run.forget_missing(paths)
        except StoreError as error:
            run.stopped = str(error)
        return run.report()


@dataclass(slots=True)
class _Run:
    """One ingest in progress; `seen` holds every path met, read or not."""

    store: Store
    embedder: Embedder
    options: IngestOptions
    on_progress: OnProgress
    started: float = field(default_factory=time.monotonic)
    read: int = 0
    skipped_unchanged: int = 0
    removed: int = 0
    passages: int = 0
    embedded: int = 0
    stopped: str = ""
    failed: list[Failure] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    unlisted: list[str] = field(default_factory=list)
    known: dict[str, DocumentRecord] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    bytes_skipped: int = 0

    def take(self, paths: Sequence[Path]) -> None:
        self.known = {record.path: record for record in self.store.documents()}
        met = {entry.path: entry for path in paths for entry in self._find(path)}
        files = [entry for entry in met.values() if isinstance(entry, Found)]
        self.seen.update(str(found.path) for found in files)
        self.total = len(met)
        self.bytes_total = sum(_size_bytes(found) for found in files)
        for entry in met.values():
            if isinstance(entry, Refused):
                self._refuse(entry)
        with ExitStack() as stack:
            pool = ReadPool(self.options.limits)
            stack.callback(pool.close)
            reader = FileReader(self.known, self.options, pool)
            window = Window(self.options.workers, FILES_AHEAD, BYTES_AHEAD)
            outcomes = stack.enter_context(
                closing(in_parallel(reader.read, files, window, _size_bytes, pool.close))
            )
            self._store(self._pending(outcomes))
        if not self.options.dry_run:
            self.store.forget_prepared()

    def forget_missing(self, paths: Sequence[Path]) -> None:
        """Remove the documents below the given folders that the walk has not met."""
        roots = [path.resolve() for path in paths]
        missing = [
            path
            for path in self.known
            if path not in self.seen
            and any(Path(path).is_relative_to(root) for root in roots)
            and not any(Path(path).is_relative_to(folder) for folder in self.unlisted)
        ]
        if not self.options.dry_run:
            self.store.remove_documents(missing)
        self.removed += len(missing)

    def report(self) -> IngestReport:
        return IngestReport(
            read=self.read,
            skipped_unchanged=self.skipped_unchanged,
            failed=tuple(self.failed),
            unsupported=tuple(self.unsupported),
            removed=self.removed,
            passages=self.passages,
            embedded=self.embedded,
            seconds=time.monotonic() - self.started,
            stopped=self.stopped,
            not_reached=self.total - self.done,
            is_dry_run=self.options.dry_run,
        )

    def _find(self, given: Path) -> list[Found | Refused]:
        found = list(find_files(given))
        if not given.resolve().is_dir():
            return [
                Refused(entry.path, entry.reason) if isinstance(entry, Refused) else entry
                for entry in found
            ]
        if not any(isinstance(entry, Found) for entry in found):
            self._fail(str(given.resolve()), "the folder holds no file of a kind that is read")
        return found

    def _refuse(self, refused: Refused) -> None:
        path = str(refused.path)
        if refused.is_unsupported:
            self.unsupported.append(shown(path))
        elif path not in self.known or refused.path.exists():
            self._fail(path, refused.reason)
            self.unlisted.append(path)
        self._finish(refused.path)

    def _fail(self, path: str, reason: str) -> None:
        self.failed.append(Failure(shown(path), reason))

    def _pending(self, outcomes: Iterator[Outcome]) -> Iterator[Pending]:
        """The documents to store; of the other files the fate is noted here."""
        for outcome in outcomes:
            path = str(outcome.found.path)
            if outcome.document is not None and outcome.record is not None:
                passages = outcome.document.passages
                kept = self.store.match(path, passages) if path in self.known else ()
                yield make_pending(
                    outcome.record, passages, kept or [None] * len(passages), self.store.dimension
                )
                continue
            if outcome.failure:
                self._fail(path, outcome.failure)
            else:
                self.skipped_unchanged += 1
                self.bytes_skipped += outcome.size_bytes
            if outcome.is_empty and path in self.known and not self.options.dry_run:
                self.store.remove_documents([path])
            self._finish(outcome.found.path, outcome.size_bytes)

    def _store(self, documents: Iterator[Pending]) -> None:
        if self.options.dry_run:
            for pending in documents:
                self._note(pending)
            return
        documents = (self._resumed(pending) for pending in documents)
        batches = make_batches(documents, self.options.batch_passages)
        window = Window(self.options.workers, self.options.workers + 1)
        with closing(in_parallel(self._embed, batches, window)) as embedded:
            for batch, vectors in embedded:
                batch.settle(vectors)
                self._write(batch)

    def _resumed(self, pending: Pending) -> Pending:
        """With the vectors that an ingest which was interrupted in this document had made."""
        if len(pending.missing) > self.options.batch_passages:
            hashes = [text_hash(text) for text in pending.texts]
            ready = self.store.prepared(hashes)
            for number in pending.missing:
                if hashes[number] in ready:
                    pending.vectors[number] = ready[hashes[number]]
            pending.missing = [n for n in pending.missing if hashes[n] not in ready]
        return pending

    def _embed(self, batch: Batch) -> tuple[Batch, Vectors]:
        texts = batch.texts()
        if not texts:
            return batch, np.empty((0, self.store.dimension), np.float32)
        return batch, self.embedder.embed(texts)

    def _write(self, batch: Batch) -> None:
        complete = batch.complete()
        try:
            self.store.write([pending.change for pending in complete])
            for piece in batch.partial():
                texts = [piece.pending.texts[number] for number in piece.positions]
                vectors = piece.pending.vectors[piece.positions]
                self.store.keep_prepared([text_hash(text) for text in texts], vectors)
        except StoreError as error:
            for piece in batch.pieces:
                self._fail(piece.pending.record.path, str(error))
            raise
        for pending in complete:
            self._note(pending)
        if not complete:
            self._tell(Path(batch.pieces[-1].pending.record.path))

    def _note(self, pending: Pending) -> None:
        self.read += 1
        self.passages += len(pending.passages)
        self.embedded += len(pending.texts)
        self._finish(Path(pending.record.path), pending.record.size_bytes)

    def _finish(self, path: Path, size_bytes: int = 0) -> None:
        self.done += 1
        self.bytes_done += size_bytes
        self._tell(path)

    def _tell(self, path: Path) -> None:
        seconds = time.monotonic() - self.started
        self.on_progress(
            Progress(
                self.done, self.total, path, self.passages, self.bytes_done, self.bytes_total,
                self.bytes_skipped, seconds,
            )
        )  # fmt: skip


def _size_bytes(found: Found) -> int:
    """0 for a file that is gone by now: reading it will tell."""
    try:
        return os.stat(found.path).st_size
    except OSError:
        return 0
