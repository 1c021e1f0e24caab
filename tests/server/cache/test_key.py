"""The keys of the pipeline: what changes the answer changes the key, and no key tells words."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import Samples
from rag.filter import Filter
from rag.ingest import ingest
from rag.store import Store
from server.cache.key import cache_key
from server.deadline import Deadline
from server.engines.knowledge import load_knowledge
from server.engines.room import EngineRoom, Engines
from server.engines.warming import Rewarmer
from server.pipeline import Pipeline, Stages
from server.settings import Settings
from server.watching.metrics import Metrics
from tests.fakes import FakeEmbedder, FakeRecognizer, FakeSynthesizer

QUESTION = "what does the car park cost"


@dataclass(slots=True)
class Bench:
    """Stages with memory only, and engines over one store."""

    store: Store
    stages: Stages
    engines: Engines
    keys: list[str] = field(default_factory=list)

    def pipeline(self) -> Pipeline:
        return Pipeline(self.stages, self.engines, 5)

    def key_of_last(self) -> str:
        return next(reversed(self.stages.search.cache._entries))

    async def find(self, question: str) -> bool:
        return (await self.pipeline().search(question, Deadline.after(5))).is_hit


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    embedder = FakeEmbedder()
    stages = Stages.build(Settings(), Metrics())
    knowledge = load_knowledge(store, embedder, 0.0)
    yield Bench(store, stages, Engines(FakeRecognizer(), FakeSynthesizer(), embedder, knowledge))
    for stage in stages.all():
        stage.close()
        assert stage.join(5)


async def test_wordings_share_a_result_and_keep_their_own_words(bench: Bench) -> None:
    """The transcript that is shown is the caller's, whoever asked first."""
    deadline = Deadline.after(5)
    first = await bench.pipeline().search(QUESTION, deadline)
    second = await bench.pipeline().search(f"Um, {QUESTION}?", deadline)
    assert (first.is_hit, second.is_hit) == (False, True)
    assert first.value.retrieval.question == QUESTION
    assert second.value.retrieval.question == f"Um, {QUESTION}?"
    assert second.value.retrieval.hits == first.value.retrieval.hits
    one = await bench.pipeline().answer(first.value, deadline)
    other = await bench.pipeline().answer(second.value, deadline)
    assert (one.is_hit, other.is_hit) == (False, True)
    assert other.value == one.value


async def test_speech_is_kept_by_voice_speed_and_rate(bench: Bench) -> None:
    """The same sentence is a hit only as it was spoken; nothing of another voice is played."""

    async def spoken(speed: float = 1.0, rate_hz: int = 8000) -> bool:
        made = await bench.pipeline().synthesise("Hello.", speed, rate_hz, Deadline.after(5))
        return made.is_hit

    assert [await spoken(), await spoken()] == [False, True]
    assert [await spoken(speed=1.25), await spoken(speed=1.25)] == [False, True]
    assert [await spoken(rate_hz=16_000), await spoken(rate_hz=16_000)] == [False, True]
    voice = FakeSynthesizer()
    voice.fingerprint = "fake-tts-2"
    bench.engines = replace(bench.engines, synthesizer=voice)
    assert [await spoken(), await spoken()] == [False, True]
    assert voice.sentences == ["Hello."]


async def test_what_was_heard_is_kept_by_model_and_sound(bench: Bench) -> None:
    """The same sound again is a hit; one sample more, or another model, is heard anew."""
    sound = np.full(16_000, 0.5, np.float32)

    async def heard(samples: Samples) -> bool:
        return (await bench.pipeline().transcribe(samples, Deadline.after(5))).is_hit

    assert [await heard(sound), await heard(sound.copy())] == [False, True]
    assert not await heard(np.append(sound, np.float32(0.5)))
    model = FakeRecognizer()
    model.fingerprint = "fake-stt-2"
    bench.engines = replace(bench.engines, recognizer=model)
    assert [await heard(sound), await heard(sound)] == [False, True]


async def test_no_key_tells_what_was_asked(bench: Bench) -> None:
    """Engines and generations are readable, words are not."""
    await bench.find(QUESTION)
    key = bench.key_of_last()
    assert key.startswith("search:fake-embedder-1:FLAT:g")
    assert not any(word in key for word in ("car", "park", "cost"))


async def test_another_filter_is_another_key_that_names_no_document(bench: Bench) -> None:
    """Keys are shown by `parley cache` and kept in Redis; a filter names people's documents."""
    narrowed = replace(bench.pipeline(), narrowing=Filter(documents=("letter to my doctor.md",)))
    await bench.find(QUESTION)
    assert not (await narrowed.search(QUESTION, Deadline.after(5))).is_hit
    assert "letter" not in bench.key_of_last()
    assert (await narrowed.search(QUESTION, Deadline.after(5))).is_hit


async def test_another_threshold_or_other_documents_are_other_keys(
    bench: Bench, tmp_path: Path
) -> None:
    """Two stores of one generation, or two settings, never share what Redis or disk keeps."""
    embedder = FakeEmbedder()
    knowledge = bench.engines.knowledge
    assert load_knowledge(bench.store, embedder, 0.0).fingerprint == knowledge.fingerprint
    assert load_knowledge(bench.store, embedder, 0.5).fingerprint != knowledge.fingerprint
    other = tmp_path / "other.md"
    other.write_text("# Other\n\nThe car park costs nothing here.\n")
    path = tmp_path / "other.sqlite3"
    with Store(path, embedder.fingerprint, embedder.dimension) as store:
        ingest([other], store, embedder)
        found = load_knowledge(store, embedder, 0.0)
        assert found.generation == knowledge.generation
        assert found.fingerprint != knowledge.fingerprint


async def test_after_an_ingest_nothing_old_is_found(bench: Bench, tmp_path: Path) -> None:
    """The generation is in the key; asked again while idle, the next asker has a hit."""
    await bench.find(QUESTION)
    assert await bench.find(QUESTION)
    extra = tmp_path / "extra.md"
    extra.write_text("# Extra\n\nFrom today the car park costs nine euros.\n")
    embedder = bench.engines.embedder
    await asyncio.to_thread(ingest, [extra], bench.store, embedder)
    bench.engines = replace(bench.engines, knowledge=load_knowledge(bench.store, embedder, 0.0))
    room = EngineRoom(bench.engines)
    assert await Rewarmer(Settings(), room, bench.stages).ask_again(asyncio.Event()) == 1
    assert await bench.find(QUESTION)
    found = await bench.pipeline().search(QUESTION, Deadline.after(5))
    assert any("nine euros" in hit.passage.text for hit in found.value.retrieval.hits)


def test_the_parts_cannot_run_into_each_other() -> None:
    """Two ways to split the same characters are two keys, and odd characters two more."""
    keys = {
        cache_key("tts", ("a", "b"), b"c"),
        cache_key("tts", ("ab", ""), b"c"),
        cache_key("tts", ("a",), b"bc"),
        cache_key("tts", ("a*", "b"), b"c"),
        cache_key("tts", ("a?", "b"), b"c"),
        cache_key("stt", ("a", "b"), b"c"),
    }
    assert len(keys) == 6
    assert not any("*" in key or "?" in key for key in keys)
