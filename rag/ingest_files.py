"""Decides for one file whether it is new, changed, the same, or not to be read. It writes nothing.

Whether a file changed is told by its sha256 alone. Size and time would be quicker, but a copy that
keeps its time, or two saves within one tick of the clock, would leave the store wrong in silence.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.blocks import DocumentError
from rag.ingest_report import IngestOptions
from rag.read_pool import ReadDocument, ReadPool
from rag.store_writes import DEFAULT_COLLECTION, DocumentRecord
from rag.walk import Found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: a document to store, a failure, or neither when it is unchanged."""

    found: Found
    size_bytes: int
    document: ReadDocument | None = None
    record: DocumentRecord | None = None
    failure: str = ""
    is_empty: bool = False
    """It can be read and holds no text, so that its previous version is no longer true."""


@dataclass(frozen=True, slots=True)
class FileReader:
    """Safe from several threads. `known` are the documents of the store by path."""

    known: Mapping[str, DocumentRecord]
    options: IngestOptions
    pool: ReadPool

    def read(self, found: Found) -> Outcome:
        """Hash the file and, unless it is the same, read it. Errors become a failure."""
        try:
            return self._read(found)
        except DocumentError as error:
            return Outcome(found, 0, failure=str(error))
        except OSError as error:
            cause = error.strerror or type(error).__name__
            return Outcome(found, 0, failure=f"it cannot be read ({cause})")

    def _read(self, found: Found) -> Outcome:
        status = os.stat(found.path)
        limit = self.options.maximum_file_bytes
        if status.st_size > limit:
            raise DocumentError(
                f"it has {status.st_size} bytes, more than the limit of {limit} bytes"
            )
        sha256 = hash_file(found.path)
        before = self.known.get(str(found.path))
        if before is not None and self._is_same(before, sha256):
            return Outcome(found, status.st_size)
        document = self.pool.read(found.path)
        if not document.passages:
            return Outcome(found, status.st_size, failure="it holds no text", is_empty=True)
        record = self._record(found, before, document, sha256, status)
        return Outcome(found, status.st_size, document, record)

    def _is_same(self, before: DocumentRecord, sha256: str) -> bool:
        """A document of 0 bytes comes from an older store, which knew neither size nor time."""
        options = self.options
        has_its_tags = options.tags is None or options.tags == before.given_tags
        has_its_collection = options.collection in (None, before.collection)
        is_known = before.sha256 == sha256 and before.size_bytes > 0
        return is_known and has_its_tags and has_its_collection

    def _record(
        self,
        found: Found,
        before: DocumentRecord | None,
        document: ReadDocument,
        sha256: str,
        status: os.stat_result,
    ) -> DocumentRecord:
        options = self.options
        given = options.tags
        collection = options.collection
        if before is not None:
            given = before.given_tags if given is None else given
            collection = before.collection if collection is None else collection
        root, name = (before.root, before.name) if before else (str(found.root), found.name)
        return DocumentRecord(
            path=str(found.path),
            root=root,
            name=name,
            title=document.title,
            sha256=sha256,
            collection=collection or DEFAULT_COLLECTION,
            folder=name.rpartition("/")[0],
            tags=tuple(sorted({*document.tags, *(given or ())})),
            given_tags=given or (),
            modified_at=int(status.st_mtime),
            size_bytes=status.st_size,
        )


def hash_file(path: Path) -> str:
    """sha256 in hex, read in chunks so that memory stays constant."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
