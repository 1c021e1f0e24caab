"""A whole session's surroundings with fake ears and voice, and real retrieval over one document."""

import asyncio
import gc
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import Samples, encode_pcm16
from audio.vad import VadModel
from audio.wavfile import read_wav
from models.espeak import EspeakLibrary
from models.llm import ChatModel
from rag.ingest import ingest
from rag.store import Store
from server.answering.backoff import Backoff
from server.answering.configured import build_answers
from server.answering.endpoint import Endpoint
from server.answering.language_model import LanguageModel
from server.answering.metrics import EndpointRole
from server.engines.knowledge import load_knowledge
from server.engines.preparation import (
    ingest_samples_once,
    load_embedder,
    open_store,
    prepare_language_model,
)
from server.engines.room import EngineRoom, Engines
from server.governor import Governor, offered_by
from server.pipeline import Stages
from server.session import Session
from server.settings import Settings
from server.surroundings import Surroundings
from server.watching.metrics import Metrics
from server.wire.dialect import OWN, Dialect
from server.wire.outbox import Outbox
from tests.fakes import FakeEmbedder, FakeMessages, FakeRecognizer, FakeSynthesizer, FakeWire

SPEECH_DIR = Path(__file__).parent.parent / "speech"
FRAME_SAMPLES = 320

PRICES = """# Prices

## Tickets

A day ticket costs twelve euros. Children under six travel free.

## Parking

The car park behind the harbour costs four euros a day. It closes at ten in the evening.
"""


@pytest.fixture(scope="session")
def vad_model() -> VadModel:
    return VadModel()


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Only counting frees memory meanwhile."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def spoken() -> Samples:
    """A recorded question with silence at both ends, 16 kHz."""
    recording = read_wav(SPEECH_DIR / "question-3.wav")
    assert recording.rate_hz == 16_000
    return np.concatenate([recording.samples, np.zeros(16_000, np.float32)])


@pytest.fixture(scope="session")
def prepared_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The samples ingested and the language model built, once for all tests that start a server.

    It is copied, never served: an error at the end says that somebody wrote to it.
    """
    settings = replace(Settings(), data_dir=tmp_path_factory.mktemp("prepared"))
    embedder = load_embedder(settings, lambda text: None)
    with open_store(settings, embedder) as store:
        ingest_samples_once(store, embedder, lambda text: None)
        prepare_language_model(settings, store, EspeakLibrary())
    prepared = set(settings.data_dir.rglob("*"))
    yield settings.data_dir
    assert set(settings.data_dir.rglob("*")) == prepared


@pytest.fixture
def data_dir(tmp_path: Path, prepared_data_dir: Path) -> Path:
    """A copy for the test's own server: no other test begins with what this one leaves there."""
    return shutil.copytree(prepared_data_dir, tmp_path / "data")


def frames(samples: Samples) -> Iterator[bytes]:
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        yield encode_pcm16(samples[start : start + FRAME_SAMPLES])


@dataclass(slots=True)
class Stand:
    """One session under test, and what surrounds it."""

    session: Session
    shared: Surroundings
    wire: FakeWire
    messages: FakeMessages
    recognizer: FakeRecognizer
    synthesizer: FakeSynthesizer
    running: asyncio.Task[None]

    def say(self, samples: Samples) -> None:
        """Send speech at once: time is counted in samples."""
        self.messages.send(*frames(samples))

    async def end(self) -> None:
        self.messages.end()
        await self.running


MakeStand = Callable[..., Stand]


def language_model(
    settings: Settings, metrics: Metrics, chats: Sequence[ChatModel]
) -> LanguageModel | None:
    """One with these endpoints, whose waits between two tries are a thousandth."""
    endpoints = [
        Endpoint(role, chat) for role, chat in zip(list(EndpointRole), chats, strict=False)
    ]
    model = LanguageModel(tuple(endpoints), metrics.llm, settings.llm_retries)
    model.backoff = Backoff(0.001)
    return model if chats else None


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "prices.md").write_text(PRICES)
    embedder = FakeEmbedder()
    with Store(tmp_path / "store.sqlite3", embedder.fingerprint, embedder.dimension) as opened:
        report = ingest([tmp_path / "prices.md"], opened, embedder)
        assert report.passages
        yield opened


@pytest.fixture
async def make_stand(store: Store, vad_model: VadModel) -> AsyncIterator[MakeStand]:
    stands: list[Stand] = []

    def make(dialect: Dialect = OWN, chats: Sequence[ChatModel] = (), **changes: object) -> Stand:
        settings = replace(Settings(), refusal_confidence=0.0, **changes)  # type: ignore[arg-type]
        metrics, embedder = Metrics(), FakeEmbedder()
        recognizer, synthesizer = FakeRecognizer(), FakeSynthesizer()
        model = language_model(settings, metrics, chats)
        engines = Engines(
            recognizer,
            synthesizer,
            embedder,
            load_knowledge(store, embedder, 0.0),
            ("note",),
            chat=model,
            answers=build_answers(settings, model, metrics, None),
        )
        stages = Stages.build(settings, metrics)
        governor = Governor(stages.cores, metrics, offered=offered_by(engines))
        room = EngineRoom(engines)
        shared = Surroundings(settings, stages, room, vad_model, metrics, governor, "0")
        wire, messages = FakeWire(), FakeMessages()
        outbox = Outbox(wire, "test", settings.send_timeout_s, dialect)
        session = Session("test", outbox, shared)
        running = asyncio.create_task(session.run(messages))
        stand = Stand(session, shared, wire, messages, recognizer, synthesizer, running)
        stands.append(stand)
        return stand

    yield make
    for stand in stands:
        stand.recognizer.go.set()
        stand.synthesizer.go.set()
        stand.running.cancel()
        await asyncio.gather(stand.running, return_exceptions=True)
        if (answers := stand.shared.engine_room.current.answers) is not None:
            await answers.stop()
        for stage in stand.shared.stages.all():
            stage.close()
            assert stage.join(5)
