import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.espeak import EspeakLibrary
from rag.filter import EVERYTHING, Filter
from rag.index_kinds import Kind
from rag.snapshot import FILE_NAMES
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from server.deadline import Deadline
from server.engines.knowledge import Knowledge, load_knowledge, open_knowledge
from server.engines.knowledge_watch import KnowledgeWatch
from server.engines.room import EngineRoom, Engines
from server.pipeline import Pipeline, Stages
from server.settings import Settings
from server.watching.metrics import Metrics
from server.workers import Workers
from tests.fakes import FakeEmbedder, FakeRecognizer, FakeSynthesizer
from tests.fakes_rag import WordEmbedder, add_document
from tests.rag.indexes import DIMENSION, FINGERPRINT, build_index, clouds, put


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, index_flat_max=100)


@pytest.fixture
def large(settings: Settings) -> Iterator[Store]:
    with Store(settings.store_path, FINGERPRINT, DIMENSION) as store:
        put(store, "first", clouds(500))
        yield store


def told(knowledge: Knowledge) -> dict[str, object]:
    """As /stats tells it: plain JSON."""
    read: dict[str, object] = json.loads(json.dumps(knowledge.status()))
    return read


def test_the_switch_of_the_index_is_told(settings: Settings, large: Store) -> None:
    """Kind, what it was proven to do, and what waits beside it, before and after."""
    knowledge = open_knowledge(settings, large, WordEmbedder(DIMENSION, FINGERPRINT))
    keeper = knowledge.keeper
    assert keeper is not None
    assert (told(knowledge)["kind"], told(knowledge)["snapshot"]) == ("FLAT", None)
    build_index(large, SnapshotFolder(settings.indexes_dir), Kind.IVF)
    assert keeper.look()
    after = told(knowledge)
    snapshot = after["snapshot"]
    assert isinstance(snapshot, dict)
    assert (after["kind"], after["delta"], snapshot["size"]) == ("IVF", 0, 500)
    assert snapshot["recall_at_10"] >= 0.97
    assert knowledge.describe()["kind"] == "IVF"


def test_a_damaged_index_raises_an_alert(settings: Settings, large: Store) -> None:
    """It says which file and what serves instead."""
    folder = SnapshotFolder(settings.indexes_dir)
    version = build_index(large, folder).version
    (folder.folder_of(version) / FILE_NAMES[0]).write_bytes(b"?")
    knowledge = open_knowledge(settings, large, WordEmbedder(DIMENSION, FINGERPRINT))
    assert FILE_NAMES[0] in knowledge.alerts[0]
    assert "exact search serves" in knowledge.alerts[0]


async def test_a_running_server_takes_in_what_is_written_before_a_question_has_to(
    settings: Settings, large: Store
) -> None:
    """Nobody asks here, and the look of once a second does not come."""
    knowledge = open_knowledge(settings, large, WordEmbedder(DIMENSION, FINGERPRINT))
    assert knowledge.keeper is not None
    index = knowledge.keeper.index
    room = EngineRoom(Engines(FakeRecognizer(), FakeSynthesizer(), FakeEmbedder(), knowledge))
    workers = Workers("test", 1)
    watch = KnowledgeWatch(settings, large, room, EspeakLibrary(), workers, poll_s=3600)
    others = set(threading.enumerate())
    running = asyncio.create_task(watch.run())
    try:
        await asyncio.sleep(0)
        put(large, "second", clouds(5, 2))
        async with asyncio.timeout(20):
            while index.state.generation != large.generation():
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        workers.close()
        knowledge.close()
    later = set(threading.enumerate()) - others
    assert "index-follower" not in [thread.name for thread in later]


@pytest.mark.parametrize("failure", [MemoryError, RuntimeError, OSError, sqlite3.OperationalError])
async def test_a_look_that_fails_does_not_end_the_server(
    settings: Settings, large: Store, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    """Too little memory for a moment, or a full disk: the index that was there serves on."""
    knowledge = open_knowledge(settings, large, WordEmbedder(DIMENSION, FINGERPRINT))
    room = EngineRoom(Engines(FakeRecognizer(), FakeSynthesizer(), FakeEmbedder(), knowledge))
    workers = Workers("test", 1)
    watch = KnowledgeWatch(settings, large, room, EspeakLibrary(), workers, poll_s=0.001)
    looks = asyncio.Semaphore(0)

    async def look(self: KnowledgeWatch) -> bool:
        looks.release()
        raise failure

    monkeypatch.setattr(KnowledgeWatch, "look", look)
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(20):
            for _ in range(3):
                await looks.acquire()
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        workers.close()
        knowledge.close()


async def test_nothing_stale_is_answered_after_an_ingest(tmp_path: Path) -> None:
    """The same question right after it: searched anew, though no one told the server."""
    embedder = WordEmbedder()
    with Store(tmp_path / "store.sqlite3", embedder.fingerprint, embedder.dimension) as store:
        add_document(store, embedder, "old.md", ["The blue whale weighs 150 tons."])
        knowledge = load_knowledge(store, embedder, 0.0)
        stages = Stages.build(Settings(), Metrics())
        engines = Engines(
            FakeRecognizer(),
            FakeSynthesizer(),
            embedder,  # type: ignore[arg-type]
            knowledge,
        )
        embedder.name = "words"  # type: ignore[attr-defined]
        pipeline = Pipeline(stages, engines, 5)

        async def documents() -> set[str]:
            found = await pipeline.search("How much does a blue whale weigh?", Deadline.after(10))
            return {hit.document for hit in found.value.retrieval.hits}

        try:
            assert await documents() == {"old.md"}
            add_document(store, embedder, "new.md", ["A blue whale weighs 140 tons."])
            assert await documents() == {"old.md", "new.md"}
            store.remove_documents(["/documents/old.md"])
            assert await documents() == {"new.md"}
        finally:
            for stage in stages.all():
                stage.close()


def test_the_collections_of_a_question_are_searched_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a session's filter names them: two searches meet, which one after the other cannot."""
    embedder = WordEmbedder(DIMENSION, FINGERPRINT)
    with Store(tmp_path / "store.sqlite3", FINGERPRINT, DIMENSION) as store:
        add_document(store, embedder, "light.md", ["The light is red."])
        knowledge = load_knowledge(store, embedder, 0.0)
        both = threading.Barrier(2, timeout=10)
        search = store.lexical_search

        def meet(query: str, limit: int, narrowing: Filter = EVERYTHING) -> list[int]:
            both.wait()
            return search(query, limit, narrowing)

        monkeypatch.setattr(store, "lexical_search", meet)
        asked = "Which light is red?"
        vector = embedder.embed([asked])[0]
        narrowing = Filter(collections=("default", "other"))
        found = knowledge.retriever.search(asked, vector, narrowing=narrowing)
        assert [hit.document for hit in found.hits] == ["light.md"]
        knowledge.close()
