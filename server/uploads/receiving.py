"""One session's documents on their way in: takes their pieces off its messages, tells of each.

Everything that is no upload passes through untouched. It reads and stores no document; the desk
does.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

from server.errors import InvalidEvent, SessionError, UploadError
from server.uploads.desk import COLLECTION, Ticket, UploadDesk
from server.uploads.events import (
    Append,
    Begin,
    Cancel,
    End,
    UploadDone,
    UploadEvent,
    UploadFailed,
    UploadProgress,
    is_upload,
    parse_upload_event,
)
from server.uploads.names import checked_name
from server.wire.outbox import Outbox
from server.wire.parse_message import parse_beside

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Incoming:
    """A document of which not all has come."""

    upload_id: str
    name: str
    size_bytes: int
    content: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def screened(
    messages: AsyncIterable[str | bytes], outbox: Outbox, desk: UploadDesk
) -> AsyncIterator[AsyncIterable[str | bytes]]:
    """Give the messages that bring no documents; at the end what has half come is forgotten.

    A client that is told nothing of ours could not know what became of a document: all its messages
    are given.
    """
    if not outbox.dialect.tells_ours:
        yield messages
        return
    async with aclosing(Receiving(desk, outbox).screen(messages)) as others:
        yield others


@dataclass(slots=True)
class Receiving:
    """At most one document at a time is received."""

    desk: UploadDesk
    outbox: Outbox
    _incoming: _Incoming | None = None
    _refused_id: str = ""
    """Of the last document that was refused while it came."""
    _followers: list["asyncio.Task[None]"] = field(default_factory=list)

    async def screen(
        self, messages: AsyncIterable[str | bytes]
    ) -> AsyncGenerator[str | bytes, None]:
        """Give the session its messages, without those that bring documents."""
        try:
            async for message in messages:
                if not await self._take_message(message):
                    yield message
        finally:
            self._forget()
            for follower in self._followers:
                follower.cancel()

    async def _take_message(self, message: str | bytes) -> bool:
        """Tell whether it was one of ours."""
        if isinstance(message, bytes) or not is_upload(message):
            return False
        try:
            event = await parse_beside(parse_upload_event, message)
            if event is not None:
                await self._take(event)
            return event is not None
        except InvalidEvent as error:
            await self.outbox.error(error)
            return True

    async def _take(self, event: UploadEvent) -> None:
        if event.upload_id == self._refused_id and not isinstance(event, Begin):
            return  # Sent before the client could know.
        match event:
            case Begin():
                await self._begin(event)
            case Append():
                await self._append(self._current(event), event.data)
            case End():
                await self._end(self._current(event))
            case Cancel():
                self._current(event)
                self._forget()

    async def _begin(self, event: Begin) -> None:
        if self._incoming is not None:
            raise InvalidEvent("Another document is being sent; end it first.", "upload_id")
        self._refused_id = ""
        try:
            name = checked_name(event.name)
            self.desk.reserve(event.size_bytes)
        except UploadError as error:
            await self._refuse(event.upload_id, event.name, error)
            return
        self._incoming = _Incoming(event.upload_id, name, event.size_bytes)
        await self._tell(self._incoming, "receiving")

    async def _append(self, incoming: _Incoming, data: bytes) -> None:
        if len(incoming.content) + len(data) > incoming.size_bytes:
            self._forget()
            error = UploadError(f"More came than the {incoming.size_bytes} bytes announced.")
            await self._refuse(incoming.upload_id, incoming.name, error)
            return
        incoming.content += data
        await self._tell(incoming, "receiving")

    async def _end(self, incoming: _Incoming) -> None:
        received = len(incoming.content)
        if received < incoming.size_bytes:
            self._forget()
            error = UploadError(f"Only {received} of {incoming.size_bytes} bytes came.")
            await self._refuse(incoming.upload_id, incoming.name, error)
            return
        self._incoming = None
        await self._tell(incoming, "waiting")
        ticket = self.desk.submit(incoming.name, bytes(incoming.content))
        self._followers = [follower for follower in self._followers if not follower.done()]
        self._followers.append(self.desk.tasks.create_task(self._follow(incoming, ticket)))

    async def _follow(self, incoming: _Incoming, ticket: Ticket) -> None:
        """A session that went away meanwhile finds that out by itself."""
        with suppress(SessionError):
            await ticket.started
            if not ticket.stored.done():
                await self._tell(incoming, "reading")
            await self._tell_outcome(incoming, ticket)

    async def _tell_outcome(self, incoming: _Incoming, ticket: Ticket) -> None:
        try:
            stored = await ticket.stored
        except UploadError as error:
            await self._tell_failure(incoming.upload_id, incoming.name, error)
            return
        counts = stored.counts
        await self.outbox.event(
            UploadDone(
                incoming.upload_id,
                incoming.name,
                COLLECTION,
                stored.passages,
                stored.is_unchanged,
                {"documents": counts.documents, "passages": counts.passages},
            )
        )

    def _current(self, event: UploadEvent) -> _Incoming:
        if self._incoming is None or self._incoming.upload_id != event.upload_id:
            raise InvalidEvent(
                "No document of this upload_id is being sent; begin it first.",
                "upload_id",
                code="upload_not_found",
            )
        return self._incoming

    def _forget(self) -> None:
        if self._incoming is not None:
            self.desk.release(self._incoming.size_bytes)
        self._incoming = None

    async def _refuse(self, upload_id: str, name: str, error: UploadError) -> None:
        self._refused_id = upload_id
        await self._tell_failure(upload_id, name, error)

    async def _tell_failure(self, upload_id: str, name: str, error: UploadError) -> None:
        failed = UploadFailed(upload_id, name, error.upload_code, str(error), error.retryable)
        await self.outbox.event(failed)

    async def _tell(self, incoming: _Incoming, stage: str) -> None:
        place = (incoming.upload_id, incoming.name, stage)
        await self.outbox.event(UploadProgress(*place, len(incoming.content), incoming.size_bytes))
