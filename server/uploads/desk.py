"""Takes whole documents of all sessions and has them read into the store, one after the other.

The reading is the ingest's: in a process of its own, under limits of time and memory. What waits
is bounded in number and bytes. It knows no socket; server/uploads/receiving.py does.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.documents import SUPPORTED_SUFFIXES
from rag.embedding import Embedder
from rag.ingest import ingest
from rag.ingest_report import IngestOptions, IngestReport
from rag.read_pool import ReadLimits
from rag.store import Store, StoreCounts
from server.configuration.addresses import is_loopback, split_list
from server.errors import UploadError
from server.settings import Settings
from server.uploads.shelf import Shelf
from server.workers import Workers

log = logging.getLogger(__name__)

COLLECTION = "uploads"
MAXIMUM_WAITING = 16
"""Documents that are being received or wait to be read, of all sessions together."""
WAITING_FILES = 4
"""So many of the largest size may lie in memory together."""
READ_LIMITS = ReadLimits(seconds=60, memory_bytes=1_000_000_000)
BATCH_PASSAGES = 8
"""Embedded at once: a question that comes meanwhile waits for no more than 10 ms of it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a document that was taken."""

    passages: int
    is_unchanged: bool
    counts: StoreCounts


@dataclass(slots=True)
class Ticket:
    """One document on its way. Both futures are of the event loop that made the desk's call."""

    name: str
    content: bytes
    started: "asyncio.Future[None]"
    stored: "asyncio.Future[Stored]"


@dataclass(slots=True)
class UploadDesk:
    """For one event loop; `workers` has one thread, which is the queue."""

    settings: Settings
    store: Store
    embedder: Embedder
    workers: Workers = field(default_factory=lambda: Workers("uploads", 1))
    tasks: asyncio.TaskGroup = field(init=False)
    """While it runs."""
    _taken: int = 0
    _taken_bytes: int = 0
    _is_closed: bool = False

    @property
    def is_open(self) -> bool:
        """Not where uploads are turned off, or anybody could reach them without a token."""
        settings = self.settings
        is_guarded = is_loopback(settings.host) or bool(split_list(settings.token))
        return settings.uploads and is_guarded

    def offers(self) -> Mapping[str, object]:
        """Return what `session.created` tells of it: nothing when it is not open."""
        offer = {
            "accepted": sorted(SUPPORTED_SUFFIXES),
            "maximum_bytes": self.settings.upload_bytes,
            "collection": COLLECTION,
        }
        return {"uploads": offer} if self.is_open else {}

    async def run(self) -> None:
        """Keep the tasks that tell clients of their documents, until cancelled."""
        async with asyncio.TaskGroup() as self.tasks:
            await asyncio.Event().wait()

    def reserve(self, size_bytes: int) -> None:
        """Hold a place for a document until `release`. Raises UploadError when it may not come."""
        limit = self.settings.upload_bytes
        if not self.is_open:
            raise UploadError("This server takes no documents over the socket.", "off")
        if size_bytes == 0:
            raise UploadError("It is empty.")
        if size_bytes > limit:
            raise UploadError(f"It has {size_bytes} bytes; at most {limit} are taken.")
        is_full = self._taken >= MAXIMUM_WAITING
        if is_full or self._taken_bytes + size_bytes > WAITING_FILES * limit:
            raise UploadError("Other documents are being read; add it again in a moment.", "busy")
        self._taken += 1
        self._taken_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Give a place back that `reserve` held; `submit` does it by itself."""
        self._taken -= 1
        self._taken_bytes -= size_bytes

    def submit(self, name: str, content: bytes) -> Ticket:
        """Have a document read whose place is reserved; the place is free when that is over.

        Whoever waits for the ticket may leave: the document is read all the same.
        """
        loop = asyncio.get_running_loop()
        ticket = Ticket(name, content, loop.create_future(), loop.create_future())

        def deliver(stored: Stored | None, error: BaseException | None) -> None:
            self.release(len(content))
            _settle(ticket.started, None, None)
            _settle(ticket.stored, stored, _as_upload_error(error))

        self.workers.submit(lambda: self._read(ticket, loop), deliver)
        return ticket

    def close(self) -> None:
        """Take nothing more. What is being read ends by itself; what waits is given up."""
        self._is_closed = True
        self.workers.close()

    def _read(self, ticket: Ticket, loop: asyncio.AbstractEventLoop) -> Stored:
        """In the desk's thread."""
        if self._is_closed:
            raise UploadError("The server is stopping; add it again later.", "stopping")
        loop.call_soon_threadsafe(_settle, ticket.started, None, None)
        shelf = Shelf(self.settings.uploads_dir, self.settings.uploads_total_bytes)
        with shelf.placed(ticket.name, ticket.content) as placed:
            report = ingest([placed.path], self.store, self.embedder, options=_options())
            _raise_failure(report)
            placed.keep()
        counts = self.store.counts()
        log.info(
            "a document of %d bytes was read: %d passages", len(ticket.content), report.passages
        )
        return Stored(report.passages, report.skipped_unchanged > 0, counts)


def _options() -> IngestOptions:
    return IngestOptions(
        collection=COLLECTION, workers=1, batch_passages=BATCH_PASSAGES, limits=READ_LIMITS
    )


def _raise_failure(report: IngestReport) -> None:
    if report.stopped:
        raise UploadError(_sentence(report.stopped), "store")
    reasons: Sequence[str] = [failure.reason for failure in report.failed]
    if reasons:
        raise UploadError(_sentence(reasons[0]), "unreadable")


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _as_upload_error(error: BaseException | None) -> UploadError | None:
    """What is no UploadError is told without its text, which may hold the document's."""
    if error is None or isinstance(error, UploadError):
        return error
    log.error("an upload failed: %s", type(error).__name__)
    return UploadError("It could not be stored; the server's log tells more.", "store")


def _settle(
    future: "asyncio.Future[Stored] | asyncio.Future[None]",
    result: Stored | None,
    error: UploadError | None,
) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)  # type: ignore[arg-type]
    else:
        future.set_exception(error)
