"""The documents' rare words are told to a recogniser that takes them, as long as they are true."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import Samples
from models.stt import Transcript
from rag.store import Store
from server.engines.biasing import Biasing, prepare_hotwords
from server.engines.knowledge import load_knowledge
from server.engines.preparation import prepare_language_model
from server.engines.room import EngineRoom, Engines
from server.settings import Settings
from server.workers import Workers
from tests.fakes import FakeEmbedder, FakeRecognizer, FakeSynthesizer
from tests.fakes_rag import WordEmbedder, add_document, open_store

EMBEDDER = WordEmbedder()


@dataclass(slots=True)
class TellableRecognizer:
    """Takes hotwords as Whisper does: another object, another fingerprint."""

    words: tuple[str, ...] = ()
    name: str = "tellable"
    times_told: list[int] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        return f"tellable-{self.words}"

    def recognise(self, speech: Samples) -> Transcript:
        return Transcript(" ".join(self.words), self.name, 1.0, len(speech) // 16)

    def with_hotwords(self, words: Sequence[str]) -> "TellableRecognizer":
        self.times_told.append(len(words))
        other = copy.copy(self)
        other.words = tuple(words)
        return other


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, EMBEDDER) as store:
        add_document(store, EMBEDDER, "light.md", ["The Zyzzoria Light stands on the hill."])
        yield store


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers("test", 1)
    yield workers
    workers.close()


def room_of(store: Store, small: TellableRecognizer | None = None) -> EngineRoom:
    knowledge = load_knowledge(store, EMBEDDER, 0.5)
    voice, embedder = FakeSynthesizer(), FakeEmbedder()
    engines = Engines(TellableRecognizer(), voice, embedder, knowledge, (), small)
    return EngineRoom(engines)


def heard(room: EngineRoom) -> str:
    return room.current.recognizer.recognise(np.zeros(0, np.float32)).text


async def test_the_words_are_told_once_and_anew_after_an_ingest(
    store: Store, workers: Workers, tmp_path: Path
) -> None:
    """A second look tells nothing; a new document's name is told, to both recognisers."""
    small = TellableRecognizer()
    room = room_of(store, small)
    biasing = Biasing(Settings(data_dir=tmp_path), store, room, workers)
    assert await biasing.renew(store.generation())
    assert heard(room) == "Zyzzoria Light"
    before = room.current.recognizer.fingerprint
    assert not await biasing.renew(store.generation())
    add_document(store, EMBEDDER, "boat.md", ["The boat to Brannick leaves at nine."])
    assert await biasing.renew(store.generation())
    assert "Brannick" in heard(room)
    assert room.current.recognizer.fingerprint != before
    assert room.current.small_recognizer is not None
    assert room.current.small_recognizer.fingerprint == room.current.recognizer.fingerprint
    assert len(small.times_told) == 2


async def test_other_weights_are_told_too(store: Store, workers: Workers, tmp_path: Path) -> None:
    """What the hub brought while the server ran knows nothing of the documents yet."""
    room = room_of(store)
    biasing = Biasing(Settings(data_dir=tmp_path), store, room, workers)
    await biasing.renew(1)
    room.change(recognizer=TellableRecognizer(name="fetched"))
    assert await biasing.renew(1)
    assert (heard(room), room.current.recognizer.name) == ("Zyzzoria Light", "fetched")


async def test_the_switch_turns_it_off(store: Store, workers: Workers, tmp_path: Path) -> None:
    """PARLEY_BIASING=0 tells no recogniser anything, and builds no language model."""
    room = room_of(store)
    settings = Settings(data_dir=tmp_path, biasing=False)
    assert not await Biasing(settings, store, room, workers).renew(1)
    assert heard(room) == ""
    assert prepare_language_model(settings, store, None) is None  # type: ignore[arg-type]


async def test_a_recogniser_without_hotwords_is_left_alone(
    store: Store, workers: Workers, tmp_path: Path
) -> None:
    """Of pocketsphinx: it has its language model."""
    room = room_of(store)
    plain = FakeRecognizer()
    room.change(recognizer=plain)
    assert not await Biasing(Settings(data_dir=tmp_path), store, room, workers).renew(1)
    assert room.current.recognizer is plain


def test_the_words_are_kept_for_the_next_start(store: Store, tmp_path: Path) -> None:
    """Read again only under another generation; what is damaged is made anew."""
    settings = Settings(data_dir=tmp_path)
    assert prepare_hotwords(settings, store) == ("Zyzzoria Light",)
    kept = settings.prepared_dir / "hotwords.json"
    kept.write_text(kept.read_text().replace("Zyzzoria Light", "Kept"))
    assert prepare_hotwords(settings, store) == ("Kept",)
    kept.write_text("{")
    assert prepare_hotwords(settings, store) == ("Zyzzoria Light",)
