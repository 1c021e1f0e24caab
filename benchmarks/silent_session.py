"""What silent sessions cost the server: its CPU while microphones send digital silence or a room.

A real server process, frames of 20 ms at real-time pace from another process, no speech.
`python -m benchmarks.silent_session [--sessions 1] [--seconds 30] [--json]`
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from audio.pcm import encode_pcm16
from benchmarks.load_session import FRAME_BYTES, FRAME_MS, OPEN_TIMEOUT_S
from benchmarks.process_cpu import Cores, CpuMeter
from benchmarks.results import table, write_result
from benchmarks.server_process import running_server
from models.stt import RATE_HZ

SETTLE_S = 2.0
ROOM_DBFS = -60.0
"""White noise as of a quiet room at a headset's gain."""
ROOM_S = 4


@dataclass(frozen=True, slots=True)
class SilenceCost:
    """Percent of one core, all that the server used divided by the sessions."""

    total_percent: float
    event_loop_percent: float
    alone_percent: float
    """What the server used before, without a session."""
    turns: int
    """That the server began although nobody spoke."""


class Microphone:
    """One session that sends the same sound again and again, and counts what the server heard."""

    def __init__(self, connection: ClientConnection, pcm: bytes) -> None:
        self._connection = connection
        self._frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
        self.turns = 0

    async def run(self, start_s: float, end_s: float) -> None:
        """Send until `end_s`, on the clock of time.monotonic(), then hang up."""
        reader = asyncio.create_task(self._read())
        number = 0
        while (due_s := start_s + number * FRAME_MS / 1000) < end_s:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await self._connection.send(self._frames[number % len(self._frames)])
            number += 1
        await self._connection.close()
        await reader

    async def _read(self) -> None:
        async for message in self._connection:
            if isinstance(message, str) and "input_audio_buffer.committed" in message:
                self.turns += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.silent_session", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="for each kind of silence")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    wanted = {"PARLEY_SESSIONS_MAXIMUM": str(max(8, parsed.sessions))}
    variables = {name: value for name, value in wanted.items() if name not in os.environ}
    sounds = {"digital silence": bytes(FRAME_BYTES), "quiet room": room_noise()}
    with running_server(variables) as server:
        costs = {
            name: asyncio.run(_measure(server.url, server.process_id, pcm, parsed))
            for name, pcm in sounds.items()
        }
    rows = [(name, *asdict(cost).values()) for name, cost in costs.items()]
    print(table([("percent of a core a session", "total", "event loop", "alone", "turns"), *rows]))
    figures = {"sessions": parsed.sessions, "seconds": parsed.seconds}
    figures |= {name.replace(" ", "_"): asdict(cost) for name, cost in costs.items()}
    write_result("silent_session", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


async def _measure(
    url: str, process_id: int, pcm: bytes, parsed: argparse.Namespace
) -> SilenceCost:
    idle = await _cores_while(process_id, min(10.0, parsed.seconds))
    microphones = [Microphone(await _open(url), pcm) for _ in range(parsed.sessions)]
    start_s = time.monotonic() + 0.1
    end_s = start_s + 2 * SETTLE_S + parsed.seconds
    async with asyncio.TaskGroup() as group:
        for number, microphone in enumerate(microphones):
            spread_s = number * FRAME_MS / 1000 / len(microphones)
            group.create_task(microphone.run(start_s + spread_s, end_s))
        await asyncio.sleep(SETTLE_S)
        busy = await _cores_while(process_id, parsed.seconds)
    turns = sum(microphone.turns for microphone in microphones)
    return cost_of(idle, busy, parsed.sessions, turns)


def cost_of(idle: Cores, busy: Cores, sessions: int, turns: int) -> SilenceCost:
    """Share what the server used among the sessions, its look at the store each second included."""
    return SilenceCost(
        round(100 * busy.total / sessions, 3),
        round(100 * busy.event_loop / sessions, 3),
        round(100 * idle.total, 3),
        turns,
    )


async def _cores_while(process_id: int, seconds: float) -> Cores:
    meter = CpuMeter(process_id)
    await asyncio.sleep(seconds)
    return meter.cores()


async def _open(url: str) -> ClientConnection:
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        connection = await connect(url, compression=None, max_size=None, ping_interval=None)
        await connection.recv()
    return connection


def room_noise() -> bytes:
    """White noise at ROOM_DBFS, the same in every run."""
    noise = np.random.default_rng(1).normal(0.0, 10 ** (ROOM_DBFS / 20), ROOM_S * RATE_HZ)
    return encode_pcm16(noise.astype(np.float32))


if __name__ == "__main__":
    raise SystemExit(main())
