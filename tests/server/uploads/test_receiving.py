"""Documents over the socket: from their pieces to the store, and every reason against them."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rag.store import Store
from server.settings import Settings
from server.uploads.desk import COLLECTION, MAXIMUM_WAITING, UploadDesk
from server.uploads.events import UploadEvent, parse_upload_event
from server.uploads.receiving import screened
from server.wire.dialect import Dialect
from server.wire.outbox import Outbox
from tests.fakes import FakeEmbedder, FakeMessages, FakeWire

TEXT = b"# Ferries\n\nThe last ferry leaves the harbour at ten in the evening.\n"


@dataclass(slots=True)
class Client:
    """What one client sends, and what reaches it and the session behind."""

    wire: FakeWire
    messages: FakeMessages
    passed_on: list[str | bytes]
    running: "asyncio.Task[None]"

    def begin(self, name: str, size_bytes: int, upload_id: str = "u") -> None:
        begin = {"type": "parley.upload.begin", "upload_id": upload_id, "name": name}
        self.messages.send(begin | {"size_bytes": size_bytes})

    def append(self, data: bytes, upload_id: str = "u") -> None:
        encoded = base64.b64encode(data).decode()
        self.messages.send(
            {"type": "parley.upload.append", "upload_id": upload_id, "data": encoded}
        )

    def end(self, upload_id: str = "u") -> None:
        self.messages.send({"type": "parley.upload.end", "upload_id": upload_id})

    def send(self, name: str, content: bytes, upload_id: str = "u") -> None:
        self.begin(name, len(content), upload_id)
        for start in range(0, len(content), 40):
            self.append(content[start : start + 40], upload_id)
        self.end(upload_id)

    async def told(self, kind: str, count: int = 1) -> dict[str, Any]:
        return await self.wire.wait_for(kind, count, 20)


@dataclass(slots=True)
class Counter:
    """A desk and the clients at it."""

    desk: UploadDesk
    group: asyncio.TaskGroup
    tasks: "set[asyncio.Task[None]]"

    def client(self) -> Client:
        wire, messages = FakeWire(), FakeMessages()
        passed_on: list[str | bytes] = []

        async def listen() -> None:
            async with screened(messages, Outbox(wire, "test", 5), self.desk) as others:
                async for message in others:
                    passed_on.append(message)

        running = self.group.create_task(listen())
        self.tasks.add(running)
        return Client(wire, messages, passed_on, running)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), data_dir=tmp_path, upload_bytes=10_000)


@asynccontextmanager
async def open_counter(desk: UploadDesk) -> AsyncIterator[Counter]:
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(desk.run())}
        counter = Counter(desk, group, tasks)
        yield counter
        for task in tasks:
            task.cancel()
    desk.close()
    assert desk.workers.join(20)


@pytest.fixture
async def counter(settings: Settings, store: Store) -> AsyncIterator[Counter]:
    async with open_counter(UploadDesk(settings, store, FakeEmbedder())) as opened:
        yield opened


async def test_a_document_sent_in_pieces_is_found(
    counter: Counter, settings: Settings, store: Store
) -> None:
    """Progress for every piece, then its passages, in the uploads' collection."""
    client = counter.client()
    client.send("ferries.md", TEXT)
    done = await client.told("parley.upload.done")
    assert (done["passages"], done["collection"], done["is_unchanged"]) == (1, COLLECTION, False)
    assert done["index"] == {"documents": 2, "passages": store.counts().passages}
    stages = [event.get("stage") for event in client.wire.events]
    assert stages == ["receiving", "receiving", "receiving", "waiting", "reading", None]
    assert (settings.uploads_dir / "ferries.md").read_bytes() == TEXT
    assert len(store.lexical_search("ferry", 5)) == 1


async def test_the_same_document_again_is_known(counter: Counter) -> None:
    """It is told so, and costs nothing."""
    client = counter.client()
    client.send("ferries.md", TEXT)
    await client.told("parley.upload.done")
    client.send("ferries.md", TEXT, "again")
    done = await client.told("parley.upload.done", 2)
    assert (done["upload_id"], done["is_unchanged"], done["passages"]) == ("again", True, 0)


async def test_what_is_no_upload_passes_through(counter: Counter) -> None:
    """Audio, other events, broken JSON that may be one, and text that only quotes us."""
    client = counter.client()
    quoting = json.dumps({"type": "conversation.item.create", "text": "parley.upload.begin"})
    client.messages.send(b"\0\0", '{"type": "response.create"}', quoting, "parley.upload. {")
    await client.told("error")
    assert client.passed_on == [b"\0\0", '{"type": "response.create"}', quoting]


async def test_a_long_piece_is_parsed_in_a_thread(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On /v1/realtime a message may have 24 MiB: other sessions are served meanwhile."""
    threads: list[int] = []

    def noted(text: str) -> UploadEvent | None:
        threads.append(threading.get_ident())
        return parse_upload_event(text)

    monkeypatch.setattr("server.uploads.receiving.parse_upload_event", noted)
    client = counter.client()
    client.append(b"short")
    client.append(b"long" * 20_000)
    await client.told("error", 2)
    assert threads[0] == threading.get_ident() != threads[1]


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("../ferries.md", 10, "slash"),
        ("ferries.exe", 10, "Accepted: "),
        ("ferries.md", 0, "empty"),
        ("ferries.md", 10_001, "at most 10000"),
    ],
)
async def test_a_document_that_may_not_come_is_refused_by_name(
    counter: Counter, name: str, size: int, told: str
) -> None:
    """Before its first piece; pieces on their way are dropped without another word."""
    client = counter.client()
    client.begin(name, size)
    client.append(b"early")
    client.end()
    client.send("ferries.md", TEXT, "next")
    await client.told("parley.upload.done")
    failed = client.wire.last("parley.upload.failed")
    assert (failed["name"], failed["retryable"]) == (name, False)
    assert told in failed["message"]
    assert "error" not in client.wire.types()


@pytest.mark.parametrize(
    ("announced", "told"), [(5, "More came"), (500, f"Only {len(TEXT)} of 500")]
)
async def test_more_or_less_than_announced_is_refused(
    counter: Counter, announced: int, told: str
) -> None:
    """And its place is free again."""
    client = counter.client()
    client.begin("ferries.md", announced)
    client.append(TEXT)
    client.end()
    assert told in (await client.told("parley.upload.failed"))["message"]
    assert counter.desk._taken == counter.desk._taken_bytes == 0


async def test_a_damaged_document_is_told_by_name_and_leaves_nothing(
    counter: Counter, settings: Settings, store: Store
) -> None:
    """Read by the ingest's own process, which may fail as it likes."""
    client = counter.client()
    client.send("broken.pdf", b"%PDF-1.7 and then nothing")
    failed = await client.told("parley.upload.failed")
    assert (failed["name"], failed["code"]) == ("broken.pdf", "unreadable")
    assert list(settings.uploads_dir.iterdir()) == []
    assert store.counts().documents == 1


async def test_an_id_may_be_used_again_while_its_document_is_read(counter: Counter) -> None:
    """The first one's failure comes in the middle of the second, which goes on."""
    client = counter.client()
    client.send("broken.pdf", b"%PDF-1.7 and then nothing")
    client.begin("ferries.md", len(TEXT))
    await client.told("parley.upload.failed")
    client.append(TEXT)
    client.end()
    assert (await client.told("parley.upload.done"))["name"] == "ferries.md"


async def test_an_engine_that_raises_is_told_without_its_words(
    settings: Settings, store: Store
) -> None:
    """An exception's text may hold the document's."""

    class Failing(FakeEmbedder):
        def embed(self, texts: Any) -> Any:
            raise RuntimeError(f"cannot embed {texts}")

    async with open_counter(UploadDesk(settings, store, Failing())) as counter:
        client = counter.client()
        client.send("ferries.md", TEXT)
        failed = await client.told("parley.upload.failed")
    assert failed["code"] == "store"
    assert "ferry" not in json.dumps(failed)


async def test_events_for_no_document_name_the_field(counter: Counter) -> None:
    """An id that was never begun, or a second document while one is sent."""
    client = counter.client()
    client.append(b"lost", "unknown")
    assert (await client.told("error"))["error"]["code"] == "upload_not_found"
    client.begin("a.md", 10)
    client.begin("b.md", 10, "other")
    assert (await client.told("error", 2))["error"]["param"] == "upload_id"


async def test_documents_that_wait_are_bounded_over_all_sessions(counter: Counter) -> None:
    """The one too many is told to come back; a client that leaves gives its place back."""
    clients = [counter.client() for _ in range(MAXIMUM_WAITING + 1)]
    for client in clients:
        client.begin("a.md", 10)
        if client is not clients[-1]:
            await client.told("parley.upload.progress")
    failed = await clients[-1].told("parley.upload.failed")
    assert (failed["code"], failed["retryable"]) == ("busy", True)
    clients[0].messages.end()
    await clients[0].running
    clients[-1].begin("a.md", 10)
    await clients[-1].told("parley.upload.progress")


async def test_bytes_that_wait_are_bounded_over_all_sessions(counter: Counter) -> None:
    """Four of the largest documents, not sixteen."""
    clients = [counter.client() for _ in range(5)]
    for client in clients[:4]:
        client.begin("a.md", 10_000)
        await client.told("parley.upload.progress")
    clients[4].begin("a.md", 1)
    assert (await clients[4].told("parley.upload.failed"))["code"] == "busy"


async def test_a_client_that_leaves_has_its_document_read_all_the_same(
    counter: Counter, settings: Settings
) -> None:
    """Nobody is told of it, and its place is free when it is done."""
    client = counter.client()
    client.send("ferries.md", TEXT)
    client.messages.end()
    await client.running
    other = counter.client()
    other.send("second.md", TEXT)
    await other.told("parley.upload.done")
    assert (settings.uploads_dir / "ferries.md").exists()
    assert counter.desk._taken == 0


async def test_uploads_turned_off_are_refused_and_the_session_goes_on(store: Store) -> None:
    """PARLEY_UPLOADS=0."""
    desk = UploadDesk(replace(Settings(), uploads=False), store, FakeEmbedder())
    async with open_counter(desk) as counter:
        client = counter.client()
        client.begin("ferries.md", 10)
        assert (await client.told("parley.upload.failed"))["code"] == "off"
        assert desk.offers() == {}


async def test_a_stock_client_is_told_by_the_session_that_it_cannot(settings: Settings) -> None:
    """It would never hear what became of its document."""
    begin = '{"type": "parley.upload.begin"}'
    outbox = Outbox(FakeWire(), "test", 5, Dialect(tells_ours=False))
    messages = FakeMessages()
    messages.send(begin)
    messages.end()
    desk: Any = None
    async with screened(messages, outbox, desk) as others:
        assert [message async for message in others] == [begin]


def test_off_loopback_only_with_a_token(store: Store) -> None:
    """Whoever reaches the port could else change what everybody is answered."""
    outside = replace(Settings(), host="192.0.2.1")
    for settings, is_open in ((outside, False), (replace(outside, token="secret"), True)):
        desk = UploadDesk(settings, store, FakeEmbedder())
        desk.close()
        assert desk.is_open is is_open
