"""Measures the cache: lookups by tier, the stage's overhead, Redis lost and back, misses at once.

python -m benchmarks.cache [--json]

Redis is a real one on a private port, left out where redis-server is not installed. It runs no
engines; benchmarks/day.py asks questions.
"""

import argparse
import asyncio
import io
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audio.wavfile import read_wav
from benchmarks.cache_misses import run_misses
from benchmarks.cache_stand import Stand, speech_of, stand
from benchmarks.redis_process import RedisProcess, redis_process
from benchmarks.results import table, write_result
from models.tts import Speech
from server.cache.codec import Codec
from server.deadline import Deadline

SIZES = {"1 KB": 1_000, "200 KB": 200_000}
VALUES = 40
ROUNDS = 10
TRIALS = 5
RECORDING = Path(__file__).resolve().parent.parent / "tests" / "speech" / "question-1.wav"

Figures = dict[str, Any]


def spread(times_s: list[float]) -> dict[str, float]:
    """Return p50 and p95 in milliseconds."""
    p50, p95 = np.percentile(times_s, [50, 95]) * 1000
    return {"p50_ms": round(float(p50), 4), "p95_ms": round(float(p95), 4)}


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds of one call."""
    started_at_s = time.perf_counter()
    await work()
    return time.perf_counter() - started_at_s


async def ask(made: Stand, key: str, value: Speech) -> bool:
    """Call the stage as a turn does, and tell whether it was a hit."""
    return (await made.stage.run(key, lambda: value, Deadline.after(10))).is_hit


async def lookups(made: Stand, *, in_memory: bool) -> Figures:
    """Time the whole stage call for values that lie in memory, or below it."""
    figures: Figures = {}
    for name, size_bytes in SIZES.items():
        value = speech_of(size_bytes)
        keys = [f"tts:{size_bytes}:1:{number}" for number in range(VALUES)]
        for key in keys:
            await ask(made, key, value)
        await written(made)
        times_s: list[float] = []
        for _ in range(ROUNDS):
            if not in_memory:
                made.stage.cache.clear()
            for key in keys:
                started_at_s = time.perf_counter()
                is_hit = await ask(made, key, value)
                taken_s = time.perf_counter() - started_at_s
                times_s += [taken_s] * is_hit
                await asyncio.sleep(0)
        figures[name] = {**spread(times_s), "hits_of": [len(times_s), VALUES * ROUNDS]}
    return figures


async def written(made: Stand) -> None:
    """Wait until the ladder has written what is queued."""
    await made.ladder.writer.drained()


async def measure_tiers(folder: Path, redis_url: str) -> Figures:
    """Each tier by itself, by whole stage calls."""
    figures: Figures = {}
    async with stand(None, "") as made:
        figures["L1 memory"] = await lookups(made, in_memory=True)
    async with stand(folder / "disk", "") as made:
        figures["L3 disk"] = await lookups(made, in_memory=False)
    if redis_url:
        async with stand(None, redis_url) as made:
            figures["L2 redis"] = await lookups(made, in_memory=False)
    return figures


async def measure_fault(redis: RedisProcess, fault: str) -> Figures:
    """Lose Redis and bring it back TRIALS times, with a value that lies in Redis only."""
    first_s, open_s, back_s = [], [], []
    for _ in range(TRIALS):
        async with stand(None, redis.url) as made:
            value = speech_of(1000)
            await ask(made, "tts:f:1:a", value)
            await written(made)
            made.stage.cache.clear()
            redis.kill() if fault == "killed" else redis.freeze()
            key = f"tts:f:1:{time.monotonic_ns()}"
            first_s.append(await timed(partial(ask, made, key, value)))
            for number in range(20):
                key = f"tts:f:1:{time.monotonic_ns()}-{number}"
                open_s.append(await timed(partial(ask, made, key, value)))
            redis.start() if fault == "killed" else redis.thaw()
            back_s.append(await seconds_to_a_hit(made, value))
    return {
        "first_lookup_ms": round(max(first_s) * 1000, 1),
        "with_the_breaker_open": spread(open_s),
        "back_after_s": round(max(back_s), 2),
    }


async def seconds_to_a_hit(made: Stand, value: Speech) -> float:
    """Ask until a value comes from Redis again."""
    started_at_s = time.monotonic()
    while time.monotonic() < started_at_s + 20:
        key = f"tts:f:1:{time.monotonic_ns()}"
        await ask(made, key, value)
        await written(made)
        made.stage.cache.clear()
        if await ask(made, key, value):
            return time.monotonic() - started_at_s
    raise RuntimeError("Redis came back, and no hits did")


async def measure_misses(redis_url: str) -> Figures:
    """A hundred callers in one process, then in each of two."""
    figures: Figures = {"one_process_runs": await run_misses("", time.time())}
    if redis_url:
        start = str(time.time() + 4)
        command = [sys.executable, "-m", "benchmarks.cache_misses", redis_url, start]
        both = [
            asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            for _ in range(2)
        ]
        running = await asyncio.gather(*both)
        told = [await process.communicate() for process in running]
        figures["two_processes_runs"] = sum(int(out) for out, _ in told)
    return figures


def measure_sound() -> Figures:
    """200 KB of recorded speech as PCM (what the codec keeps) and as FLAC."""
    spoken = np.resize(read_wav(RECORDING).samples, 100_000)
    samples = (spoken * 32767).astype(np.int16)
    codec = Codec.of(Speech)
    kept = codec.encode(Speech(samples, 16_000, "recorded"))
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format="FLAC", subtype="PCM_16")
    flac = stream.getvalue()
    as_pcm = [seconds(lambda: codec.decode(kept)) for _ in range(100)]
    as_flac = [seconds(lambda: soundfile.read(io.BytesIO(flac), dtype="int16")) for _ in range(100)]
    return {
        "pcm": {"bytes": len(kept), "decode": spread(as_pcm)},
        "flac": {"bytes": len(flac), "decode": spread(as_flac)},
    }


def seconds(work: Callable[[], object]) -> float:
    """Return the time of one call."""
    started_at_s = time.perf_counter()
    work()
    return time.perf_counter() - started_at_s


async def measure(folder: Path, redis: RedisProcess | None) -> Figures:
    """All figures."""
    redis_url = redis.url if redis is not None else ""
    figures: Figures = {
        "stage_call": await measure_tiers(folder, redis_url),
        "misses": await measure_misses(redis_url),
        "sound_200_kb": measure_sound(),
    }
    if redis is not None:
        figures["redis_killed"] = await measure_fault(redis, "killed")
        figures["redis_frozen"] = await measure_fault(redis, "frozen")
    return figures


def show(figures: Figures) -> None:
    """Print for people."""
    rows: list[list[object]] = [["whole stage call, a hit in", "value", "p50 ms", "p95 ms"]]
    for tier, sizes in figures["stage_call"].items():
        rows += [[tier, size, one["p50_ms"], one["p95_ms"]] for size, one in sizes.items()]
    print(table(rows))
    for name, told in figures.items():
        if name != "stage_call":
            print(f"{name}: {json.dumps(told)}")


def main() -> int:
    """Measure, print, and write benchmarks/results/cache.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, redis_process() as redis:
        if redis is None:
            print("redis-server is not installed: left out", file=sys.stderr)
        figures = asyncio.run(measure(Path(folder), redis))
    write_result("cache", figures)
    show(figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
