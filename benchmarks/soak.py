"""A soak: scripted people talk for long, and nothing may grow: memory, tasks, threads, descriptors.

    python -m benchmarks.soak [--sessions 8] [--minutes 10] [--speed 20] [--embedded] [--json]

With fakes for ears and voice, at 20 times the pace (benchmarks/soak_server.py), or with the
embedded engines in real time. What is in use is looked at once everybody has left, after a first
round that warms all up, and again at the end; memory is a line through the last two thirds. Times
do not enter the result; but at 20 times the pace patience is a twentieth too, so that a busy
machine loses connections and turns, which the result counts.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from audio.pcm import to_int16
from audio.resample import resample
from audio.wavfile import read_wav
from benchmarks.demo import SPEECH_DIR
from benchmarks.fast_clock import hasten
from benchmarks.results import write_result
from benchmarks.server_process import RunningServer, running_server
from benchmarks.soak_session import RATE_HZ, Pcm, SoakSession

SLOPE_LIMIT_MB = 1.0
"""Memory may grow so much in 1,000 turns."""
ENOUGH_TURNS = 300
"""A slope over fewer is noise."""
EVERY_S = 1.0
PARTS = 12
WARM_UP_SHARE = 1 / 10
PATIENCE_S = 60.0
TRIM_S = 0.1
"""Within it the server has trimmed its heap."""
SERVER = "benchmarks.soak_server"
SMALL = {
    "PARLEY_OFFLINE": "1",
    "PARLEY_CACHE_BYTES": str(1 << 20),
    "PARLEY_CACHE_DISK": "1",
    "PARLEY_CACHE_DISK_BYTES": str(8 << 20),
    "PARLEY_SESSIONS_MAXIMUM": "64",
    "PARLEY_ADMISSION_BY_LATENCY": "0",
}
"""Small caches are full soon, so that what grows later is no cache; and who comes again at once
after hanging up must not stand before the place that is still taken."""


@dataclass(frozen=True, slots=True)
class InUse:
    """What must be given back."""

    tasks: int
    threads: int
    descriptors: int


@dataclass(slots=True)
class Soak:
    """One server under people who talk."""

    server: RunningServer
    recordings: Sequence[Pcm]
    sessions: int
    true_s: Callable[[], float]
    """The clock on the wall, whatever time.monotonic is made to tell."""
    trims: bool = False
    """Whether the server gives freed memory back when it is told to; one with fakes does anyway."""
    ends: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    samples: list[tuple[int, float]] = field(default_factory=list)
    """Turns so far and resident memory in MB."""

    @property
    def turns(self) -> int:
        """Turns that ended, however they did."""
        return sum(self.ends[each] for each in ("answered", "refused", "empty", "cancelled"))

    async def talk(self, seconds: float) -> None:
        """Let everybody talk for that long on the wall's clock, then hang up."""
        people = [
            SoakSession(self.server.url, self.recordings, random.Random(number), self.ends)
            for number in range(self.sessions)
        ]
        is_over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(person.run(is_over))
            ends_at_s = self.true_s() + seconds
            while self.true_s() < ends_at_s:
                await self._wait(min(EVERY_S, ends_at_s - self.true_s()))
                self.samples.append((self.turns, await asyncio.to_thread(self.memory_mb)))
            is_over.set()
        self.connections += sum(person.connections for person in people)

    async def at_rest(self, like: InUse | None = None) -> InUse:
        """What is in use once nobody talks: no more than `like`, or when it has not changed."""
        seen: list[InUse] = []
        gives_up_at_s = self.true_s() + PATIENCE_S
        while self.true_s() < gives_up_at_s:
            seen.append(await asyncio.to_thread(in_use, self.server.port))
            if like is None and len(seen) > 4 and len(set(seen[-5:])) == 1:
                break
            if like is not None and not grown(like, seen[-1]):
                break
            await self._wait(0.5)
        return seen[-1]

    def memory_mb(self) -> float:
        """Resident memory of the server, behind a trim: what the C library keeps is no leak."""
        if self.trims:
            os.kill(self.server.process_id, signal.SIGUSR1)
            time.sleep(TRIM_S)
        return float(psutil.Process(self.server.process_id).memory_info().rss) / 1e6

    async def _wait(self, seconds: float) -> None:
        await asyncio.to_thread(time.sleep, max(0.0, seconds))


def in_use(port: int) -> InUse:
    """Read the server's own figures; the reading itself takes a task and a socket."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as got:
        lines = got.read().decode().splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line and line[0] != "#")
    names = ("parley_tasks", "parley_threads", "parley_descriptors")
    return InUse(*(int(float(told[name])) for name in names))


def grown(before: InUse, after: InUse) -> list[str]:
    """Name what is more in use than before."""
    names = InUse.__slots__
    return [name for name in names if getattr(after, name) > getattr(before, name)]


def slope_mb(samples: Sequence[tuple[int, float]]) -> float:
    """Return MB for 1,000 turns: a line through the least memory of each part of the last two
    thirds. What is taken for a moment, and what the C library keeps of it, is no leak.
    """
    kept = samples[len(samples) // 3 :]
    if len(kept) < PARTS or kept[0][0] == kept[-1][0]:
        return 0.0
    size = len(kept) // PARTS
    parts = (kept[start : start + size] for start in range(0, size * PARTS, size))
    least = np.array([min(part, key=lambda sample: sample[1]) for part in parts], float)
    return float(np.polyfit(least[:, 0], least[:, 1], 1)[0] * 1000)


def recordings() -> list[Pcm]:
    """The recorded questions at 16 kHz, each with a second of silence behind."""
    found = []
    for path in sorted(SPEECH_DIR.glob("question-*.wav")):
        wav = read_wav(path)
        spoken = to_int16(resample(wav.samples, wav.rate_hz, RATE_HZ))
        found.append(np.append(spoken, np.zeros(RATE_HZ, np.int16)))
    return found


async def measure(soak: Soak, seconds: float) -> dict[str, Any]:
    """Warm up, look, talk, look again."""
    await soak.talk(seconds * WARM_UP_SHARE)
    before = await soak.at_rest()
    soak.samples.clear()
    soak.ends.clear()
    await soak.talk(seconds)
    after = await soak.at_rest(before)
    first_mb, last_mb = soak.samples[0][1], soak.samples[-1][1]
    return {
        "turns": soak.turns,
        "ends": dict(soak.ends.most_common()),
        "connections": soak.connections,
        "memory_mb": {"first": round(first_mb, 1), "last": round(last_mb, 1)},
        "memory_slope_mb_per_1000_turns": round(slope_mb(soak.samples), 3),
        "before": {name: getattr(before, name) for name in InUse.__slots__},
        "after": {name: getattr(after, name) for name in InUse.__slots__},
        "grown": grown(before, after),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, print, write the result; 1 when something grew, or too little happened to tell."""
    parsed = _parser().parse_args(arguments)
    speed = 1.0 if parsed.embedded else parsed.speed
    true_s = time.monotonic
    program = None if parsed.embedded else [SERVER, str(speed)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(
            SMALL | {"PARLEY_DATA_DIR": folder}, program=program, trims=parsed.embedded
        ) as server,
    ):
        make_loop = hasten(speed) if speed != 1 else asyncio.new_event_loop
        soak = Soak(server, recordings(), parsed.sessions, true_s, trims=parsed.embedded)
        with asyncio.Runner(loop_factory=make_loop) as runner:
            figures = runner.run(measure(soak, parsed.minutes * 60))
    figures = {"minutes": parsed.minutes, "speed": speed, "sessions": parsed.sessions} | figures
    write_result("soak-embedded" if parsed.embedded else "soak", figures)
    print(json.dumps(figures, indent=None if parsed.json else 1))
    slope = figures["memory_slope_mb_per_1000_turns"]
    if figures["turns"] < ENOUGH_TURNS:
        print(f"soak: {figures['turns']} turns are too few to tell", file=sys.stderr)
    is_well = slope < SLOPE_LIMIT_MB and not figures["grown"]
    return 0 if is_well and figures["turns"] >= ENOUGH_TURNS else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10.0, help="on the wall's clock")
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--embedded", action="store_true", help="no fakes, and in real time")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
