"""Reads files and folders into the store and reports what became of each, one transaction each.

It builds no index; whoever serves makes a new one when the store's generation has grown.
"""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.blocks import DocumentError
from rag.chunk import make_passages
from rag.documents import read_document
from rag.embedding import Embedder
from rag.store import DocumentRecord, Store
from rag.walk import Found, Refused, find_files

DEFAULT_MAXIMUM_FILE_BYTES = 50_000_000

OnProgress = Callable[[int, int, Path], None]
"""Called with (files done, files in all, the path just done) after every file."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that could not be read and why, as a clause that goes after the path."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. Counts are of files, but `passages`, which were added."""

    read: int
    skipped_unchanged: int
    failed: tuple[Failure, ...]
    unsupported: tuple[str, ...]
    """Paths of other kinds met in a folder; naming such a file itself is a failure."""
    removed: int
    passages: int
    seconds: float


def ingest(
    paths: Sequence[Path],
    store: Store,
    embedder: Embedder,
    on_progress: OnProgress = lambda done, total, path: None,
    maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES,
) -> IngestReport:
    """Make the store agree with the files: read what is new or changed, forget what is gone.

    A file that can no longer be read is reported and its previous version stays. Interrupted at
    any moment, every document is whole, old or new, and a second run goes on where it stopped.
    Raises StoreBusyError when another process is ingesting, and StoreError when the disk fails.
    """
    started = time.monotonic()
    with store.exclusive_writer():
        run = _Run(store, embedder, maximum_file_bytes)
        run.take(paths, on_progress)
        run.forget_missing(paths)
    return IngestReport(
        run.read,
        run.skipped_unchanged,
        tuple(run.failed),
        tuple(run.unsupported),
        run.removed,
        run.passages,
        time.monotonic() - started,
    )


def hash_file(path: Path) -> str:
    """sha256 in hex, read in chunks so that memory stays constant."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(slots=True)
class _Run:
    """One ingest in progress; `seen` holds every path met, read or not."""

    store: Store
    embedder: Embedder
    maximum_file_bytes: int
    read: int = 0
    skipped_unchanged: int = 0
    removed: int = 0
    passages: int = 0
    failed: list[Failure] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    unlisted: list[str] = field(default_factory=list)
    known: dict[str, DocumentRecord] = field(default_factory=dict)

    def take(self, paths: Sequence[Path], on_progress: OnProgress) -> None:
        self.known = {record.path: record for record in self.store.documents()}
        met = {found.path: found for path in paths for found in self._find(path)}
        for number, (path, found) in enumerate(met.items(), 1):
            self._take(found)
            on_progress(number, len(met), path)

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
        self.store.remove_documents(missing)
        self.removed += len(missing)

    def _find(self, given: Path) -> list[Found | Refused]:
        found = list(find_files(given))
        if not given.resolve().is_dir():
            found = [
                Refused(entry.path, entry.reason) if isinstance(entry, Refused) else entry
                for entry in found
            ]
        return found

    def _take(self, found: Found | Refused) -> None:
        if isinstance(found, Refused):
            self._refuse(found)
            return
        self.seen.add(str(found.path))
        try:
            self._read(found)
        except DocumentError as error:
            self.failed.append(Failure(str(found.path), str(error)))
        except OSError as error:
            reason = f"it cannot be read ({error.strerror or type(error).__name__})"
            self.failed.append(Failure(str(found.path), reason))

    def _refuse(self, refused: Refused) -> None:
        path = str(refused.path)
        if refused.is_unsupported:
            self.unsupported.append(path)
            return
        if path in self.known and not refused.path.exists():
            return
        self.failed.append(Failure(_printable(path), refused.reason))
        self.unlisted.append(path)

    def _read(self, found: Found) -> None:
        path = str(found.path)
        size_bytes = os.stat(found.path).st_size
        if size_bytes > self.maximum_file_bytes:
            limit = f"{self.maximum_file_bytes} bytes"
            raise DocumentError(f"it has {size_bytes} bytes, more than the limit of {limit}")
        sha256 = hash_file(found.path)
        before = self.known.get(path)
        if before is not None and before.sha256 == sha256:
            self.skipped_unchanged += 1
            return
        self._store(found, sha256, before)

    def _store(self, found: Found, sha256: str, before: DocumentRecord | None) -> None:
        document = read_document(found.path)
        passages = make_passages(document)
        if not passages:
            self.store.remove_documents([str(found.path)])
            raise DocumentError("it holds no text")
        vectors = self.embedder.embed([passage.embedding_text for passage in passages])
        root, name = (before.root, before.name) if before else (str(found.root), found.name)
        record = DocumentRecord(str(found.path), root, name, document.title, sha256)
        self.store.replace_document(record, passages, vectors)
        self.read += 1
        self.passages += len(passages)


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
