"""A day of questions: 2,000 turns over 300 questions in 4 wordings, two ingests in between.

python -m benchmarks.day [--json]

Questions are typed ones, made by rule from the sample questions; who asks which is drawn by Zipf's
law with a fixed seed. Search, answer and espeak-ng's voice are real; nothing is recognised, because
the same words never sound the same twice. Between the turns the server is idle, as on most days.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.corpora import ingest_samples, load_embedder, sample_questions
from benchmarks.results import percentiles, table, write_result
from benchmarks.wordings import wordings
from models.embedder import MiniLmEmbedder
from models.espeak import EspeakLibrary, EspeakSynthesizer
from rag.ingest import ingest
from rag.store import Store
from server.cache.ladder import build_ladder
from server.cache.metrics import Found, Tier
from server.commands.cache import NoEars
from server.deadline import Deadline
from server.engines.knowledge import Knowledge, load_knowledge
from server.engines.room import EngineRoom, Engines
from server.engines.warming import Rewarmer
from server.pipeline import Pipeline, Stages
from server.settings import Settings
from server.speaking.saying import pieces_of
from server.watching.metrics import Metrics

TURNS: Final = 2_000
QUESTIONS: Final = 300
ZIPF_EXPONENT: Final = 1.0
INGESTS_AFTER: Final = (700, 1_400)
SEED: Final = 20_261_120
SUBJECTS: Final = ("", "for a family", "in winter", "with a dog")
STAGES: Final = ("search", "answer", "tts")

NEWS: Final = "# Notice\n\nFrom today a day ticket costs {price} euros, until further notice.\n"
NEWS_QUESTION: Final = "what does a day ticket cost from today until further notice"


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn: what it says, and what its compute took."""

    text: str
    compute_ms: float
    is_cached: bool


@dataclass(slots=True)
class Day:
    """A server's stages, without sockets and ears."""

    settings: Settings
    store: Store
    embedder: MiniLmEmbedder
    stages: Stages
    metrics: Metrics
    room: EngineRoom
    counts: dict[str, list[bool]] = field(default_factory=lambda: {name: [] for name in STAGES})

    async def ask(self, question: str) -> Asked:
        """Search, answer and speak, as a turn does; count each stage's lookup."""
        loop = asyncio.get_running_loop()
        started_at_s = loop.time()
        engines = self.room.current
        pipeline = Pipeline(self.stages, engines, self.settings.search_hits)
        deadline = Deadline.after(30)
        found = await pipeline.search(question, deadline)
        answer = await pipeline.answer(found.value, deadline)
        hits = [found.is_hit, answer.is_hit]
        for name, is_hit in zip(STAGES, hits, strict=False):
            self.counts[name].append(is_hit)
        first_ms = 0.0
        for piece in pieces_of(answer.value.text, self.settings.answer_maximum_characters):
            rate_hz = engines.synthesizer.rate_hz
            spoken = await pipeline.synthesise(piece, 1.0, rate_hz, deadline)
            self.counts["tts"].append(spoken.is_hit)
            if not first_ms:
                first_ms = (loop.time() - started_at_s) * 1000
                hits.append(spoken.is_hit)
        return Asked(answer.value.text, first_ms, all(hits))

    async def ingest(self, path: Path) -> None:
        """Read a document and put the new index in place; then be idle for a while."""
        before = self.room.current
        await asyncio.to_thread(ingest, [path], self.store, self.embedder)
        self.room.change(knowledge=self.load())
        assert self.room.current.knowledge.generation != before.knowledge.generation
        await Rewarmer(self.settings, self.room, self.stages).ask_again(asyncio.Event())

    def load(self) -> Knowledge:
        """Return the index of what the store holds now."""
        return load_knowledge(self.store, self.embedder, self.settings.refusal_confidence)


@asynccontextmanager
async def day(settings: Settings, store: Store, embedder: MiniLmEmbedder) -> AsyncIterator[Day]:
    """One process's life, from start to stop."""
    metrics = Metrics()
    ladder = build_ladder(settings, metrics.cache)
    stages = Stages.build(settings, metrics, ladder)
    assert ladder is not None
    knowledge = load_knowledge(store, embedder, settings.refusal_confidence)
    voice = EspeakSynthesizer(EspeakLibrary(), settings.espeak_voice)
    room = EngineRoom(Engines(NoEars(), voice, embedder, knowledge))
    running = asyncio.create_task(ladder.run())
    try:
        yield Day(settings, store, embedder, stages, metrics, room)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await ladder.stop()
        for stage in stages.all():
            stage.close()


def questions() -> list[str]:
    """QUESTIONS different questions: the samples' own, then with a circumstance added."""
    plain = [question.text for question in sample_questions()]
    return [f"{text} {subject}".strip() for subject in SUBJECTS for text in plain][:QUESTIONS]


def script() -> list[str]:
    """TURNS questions in the order of the day, drawn by Zipf's law, each in one of 4 wordings."""
    chance = np.random.default_rng(SEED)
    asked = questions()
    ranks = chance.permutation(len(asked))
    weights = 1.0 / np.arange(1, len(asked) + 1) ** ZIPF_EXPONENT
    drawn = chance.choice(ranks, TURNS, p=weights / weights.sum())
    return [wordings(asked[one])[chance.integers(4)] for one in drawn]


async def live(settings: Settings, store: Store, embedder: MiniLmEmbedder) -> dict[str, Any]:
    """The whole day, then a restart."""
    turns = script()
    asked: list[Asked] = []
    news: list[bool] = []
    documents = settings.data_dir / "news"
    documents.mkdir()
    async with day(settings, store, embedder) as today:
        for number, question in enumerate(turns):
            if number in INGESTS_AFTER:
                price = ("seventeen", "nineteen")[INGESTS_AFTER.index(number)]
                path = documents / "notice.md"
                path.write_text(NEWS.format(price=price))
                await today.ask(NEWS_QUESTION)
                await today.ingest(path)
                news.append(price in (await today.ask(NEWS_QUESTION)).text)
            asked.append(await today.ask(question))
        rates = {name: sum(hits) / len(hits) for name, hits in today.counts.items()}
        tiers = today.metrics.cache.summary()
    return {
        "turns": len(asked),
        "hit_rate": {name: round(rate, 4) for name, rate in rates.items()},
        "answers_after_an_ingest_are_new": all(news),
        "cached_turn_ms": percentiles(one.compute_ms for one in asked if one.is_cached),
        "uncached_turn_ms": percentiles(one.compute_ms for one in asked if not one.is_cached),
        "cached_share_of_uncached": share_of_uncached(asked),
        "after_a_restart": await restart(settings, store, embedder, turns[-1]),
        "tiers": tiers,
    }


def share_of_uncached(asked: Sequence[Asked]) -> float:
    """Return the median compute of cached turns over that of the others; a tenth is promised."""
    cached, uncached = (
        float(np.median([one.compute_ms for one in asked if one.is_cached is wanted]))
        for wanted in (True, False)
    )
    return round(cached / uncached, 4)


async def restart(
    settings: Settings, store: Store, embedder: MiniLmEmbedder, question: str
) -> dict[str, Any]:
    """The first repeated turn of a new process: the tier that each lookup came from."""
    async with day(settings, store, embedder) as tomorrow:
        first = await tomorrow.ask(question)
        tallies = tomorrow.metrics.cache.tallies
        from_disk = {
            name: tallies[name, Tier.DISK].results[Found.HIT]
            for name in STAGES
            if (name, Tier.DISK) in tallies
        }
    return {
        "is_cached": first.is_cached,
        "compute_ms": round(first.compute_ms, 1),
        "disk": from_disk,
    }


def measure(rewarm: int) -> dict[str, Any]:
    """Live the day in a folder of its own."""
    embedder = load_embedder()
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(), data_dir=Path(folder), rewarm_questions=rewarm)
        path = Path(folder) / "store.sqlite3"
        with Store(path, embedder.fingerprint, embedder.dimension) as store:
            ingest_samples(store, embedder)
            return asyncio.run(live(settings, store, embedder))


def main() -> int:
    """Measure with and without asking anew after an ingest; write benchmarks/results/day.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    figures = measure(Settings().rewarm_questions)
    without = measure(0)["hit_rate"]
    figures["hit_rate_without_asking_anew"] = without
    write_result("day", figures)
    print(
        table(
            [["stage", "hit rate", "without asking anew"]]
            + [
                [name, f"{figures['hit_rate'][name]:.3f}", f"{without[name]:.3f}"]
                for name in STAGES
            ]
        )
    )
    for name, told in figures.items():
        print(f"{name}: {json.dumps(told)}")
    if parsed.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
