"""`parley cache stats | clear | invalidate | warm`: what Redis and disk hold, less of it, or more.

It works beside a running server, which empties its memory within a second of a clear or invalidate.
Warming waits for a machine with time at each step. Conversations that Redis keeps for clients who
come back are no part of the cache: they stay.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from audio.pcm import Samples
from models.espeak import EspeakLibrary
from models.stt import Transcript
from rag.store import Store
from server.cache.disk_tier import DiskFull, DiskUnavailable
from server.cache.key import patterns_of
from server.cache.ladder import Ladder, build_ladder
from server.cache.redis_tier import FAILURES, RedisUnavailable
from server.engines.idle import IdleTime
from server.engines.knowledge import load_knowledge
from server.engines.loading import choose_synthesizer, load_synthesizer
from server.engines.preparation import load_embedder, open_store
from server.engines.prespeak import openings
from server.engines.room import Engines
from server.engines.warming import Warmer
from server.errors import StageError
from server.pipeline import Stages
from server.settings import Settings
from server.watching.metrics import Metrics

DONE = 0
FAILED = 1
MISUSED = 2

Tiers = dict[str, dict[str, object]]


def run_cache(parsed: argparse.Namespace, settings: Settings) -> int:
    """Run one of them; 1 when a tier does not answer, 2 without any tier."""
    path: Path | None = getattr(parsed, "questions", None)
    try:
        asked = path.read_text(encoding="utf-8").splitlines() if path else []
    except (OSError, UnicodeDecodeError) as error:
        print(f"parley: {path}: {type(error).__name__}", file=sys.stderr)
        return MISUSED
    ladder = build_ladder(settings, Metrics().cache)
    if ladder is None:
        print("parley: neither Redis nor the disk cache is switched on", file=sys.stderr)
        return MISUSED
    return asyncio.run(_run(parsed, settings, ladder, asked))


async def _run(
    parsed: argparse.Namespace, settings: Settings, ladder: Ladder, asked: list[str]
) -> int:
    try:
        if parsed.cache_command == "stats":
            return await _stats(ladder, as_json=parsed.json)
        if parsed.cache_command == "warm":
            return await _warm(ladder, settings, asked)
        return await _drop(ladder, _patterns(parsed))
    finally:
        await ladder.stop()


def _patterns(parsed: argparse.Namespace) -> tuple[str, ...]:
    if parsed.cache_command == "clear":
        return ("*",)
    return patterns_of(parsed.tag) if parsed.tag else (parsed.pattern,)


async def _stats(ladder: Ladder, *, as_json: bool) -> int:
    found: Tiers = {}
    disk, redis = partial(_disk_stats, ladder, found), partial(_redis_stats, ladder, found)
    problems = await _each(disk, redis)
    if as_json:
        print(json.dumps({**found, "problems": problems}))
    for tier, stages in () if as_json else found.items():
        print(f"{tier}:" if stages else f"{tier}: empty")
        for stage, told in stages.items():
            print(f"  {stage:<8} {told}")
    return FAILED if problems else DONE


async def _disk_stats(ladder: Ladder, found: Tiers) -> None:
    if ladder.disk is not None:
        use = await ladder.readers.run(ladder.disk.use)
        found["disk"] = {
            stage: f"{one.entries} values, {one.size_bytes} bytes" for stage, one in use.items()
        }


async def _redis_stats(ladder: Ladder, found: Tiers) -> None:
    if ladder.redis is not None:
        counts = await ladder.redis.count()
        found["redis"] = {stage: f"{count} values" for stage, count in counts.items()}


async def _drop(ladder: Ladder, patterns: Sequence[str]) -> int:
    async def from_disk() -> None:
        disk = ladder.disk
        if disk is not None:
            count = await ladder.writer.workers.run(lambda: sum(map(disk.invalidate, patterns)))
            print(f"disk: {count} values dropped")

    async def from_redis() -> None:
        if ladder.redis is not None:
            count = sum([await ladder.redis.invalidate(pattern) for pattern in patterns])
            print(f"redis: {count} values dropped; conversations that are kept there stay")

    return FAILED if await _each(from_disk, from_redis) else DONE


async def _each(*tiers: Callable[[], Awaitable[None]]) -> list[str]:
    """Do each; what fails is told and does not keep the other from being done."""
    problems: list[str] = []
    for work in tiers:
        try:
            await work()
        except (DiskUnavailable, DiskFull, RedisUnavailable, *FAILURES) as error:
            problems.append(f"{type(error).__name__}: {error}")
            print(f"parley: a tier does not answer ({type(error).__name__})", file=sys.stderr)
    return problems


async def _warm(ladder: Ladder, settings: Settings, asked: list[str]) -> int:
    embedder = await asyncio.to_thread(load_embedder, settings, _say)
    with await asyncio.to_thread(open_store, settings, embedder) as store:
        stages = Stages.build(settings, Metrics(), ladder)
        warmer = await asyncio.to_thread(_warmer, settings, store, stages)
        idle = IdleTime(_say)
        try:
            for text in openings(store, settings.prespeak_documents):
                await idle.wait()
                await warmer.speak(text)
                await ladder.writer.flush()
            for question in filter(None, map(str.strip, asked)):
                await idle.wait()
                await warmer.answer(question)
                await ladder.writer.flush()
        except StageError as error:
            print(f"parley: {error}", file=sys.stderr)
            return FAILED
        finally:
            for stage in stages.all():
                stage.close()
    print(f"{warmer.spoken} pieces of speech are in the cache.")
    return DONE


def _warmer(settings: Settings, store: Store, stages: Stages) -> Warmer:
    embedder = load_embedder(settings, _say)
    synthesizer = load_synthesizer(settings, choose_synthesizer(settings), EspeakLibrary())
    knowledge = load_knowledge(store, embedder, settings.refusal_confidence)
    return Warmer(settings, stages, Engines(NoEars(), synthesizer, embedder, knowledge))


class NoEars:
    """Stands where a recogniser would: what warms the caches hears nothing, so none is loaded."""

    name = fingerprint = "none"

    def recognise(self, speech: Samples) -> Transcript:
        """Raises NotImplementedError."""
        raise NotImplementedError


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
