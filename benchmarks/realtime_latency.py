"""What /v1/realtime adds to /ws: the same question by turns on both, in one run.

Base64, JSON, 24 kHz both ways. Measured at the client, from the end of speech to the first sound
that came; then the answer is cancelled. Both sides detect turns by the words.

A pause is judged in windows of 32 ms and sound comes in frames of 20, which fall together again
after 160 ms. So each recording begins at eight places in those: at one place alone, or at places in
one window alone, a whole recording ends on the same side of a frame's border, and 20 ms are added
to all its turns or to none. Every question is asked once before from each place, so that both sides
find the same in the caches: what a recogniser makes of two resamplings is no latency.
`python -m benchmarks.realtime_latency [--rounds N] [--json]`
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from audio.pcm import Samples, encode_pcm16
from audio.resample import resample
from audio.wavfile import read_wav
from benchmarks.demo import SPEECH_DIR
from benchmarks.results import percentiles, write_result
from benchmarks.server_process import running_server
from benchmarks.speech_edges import speech_end_sample
from benchmarks.stock_client import RATE_HZ, StockClient
from server.client import Conversation

OWN_RATE_HZ = 16_000
FRAME_S = 0.02
MOST_ADDED_MS = 10.0
"""The promise, for the mean; for the median too, because slow turns of /ws can hide in a mean."""
CYCLE_S = 0.16
"""Windows of voice activity and frames begin together so often."""
PLACES = 8
"""In a cycle."""
SEMANTIC = {"type": "semantic_vad"}
Ask = Callable[[Samples], Awaitable[float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; exit code 1 when the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="of all questions, on each path")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with running_server({"PARLEY_OFFLINE": "1"}) as server:
        figures = asyncio.run(_measure(server.port, server.url, options.rounds))
    write_result("realtime-latency", figures)
    print(json.dumps(figures) if options.json else _line(figures))
    return 0 if is_kept(figures) else 1


async def _measure(port: int, url: str, rounds: int) -> dict[str, Any]:
    stock = await StockClient.open(port)
    session = {"type": "realtime", "audio": {"input": {"turn_detection": SEMANTIC}}}
    await stock.send({"type": "session.update", "session": session})
    await stock.until("session.updated")
    took: dict[str, list[float]] = {"own": [], "stock": []}
    async with await Conversation.open(url) as own:
        sides: dict[str, Ask] = {
            "own": lambda speech: _ask_own(own, speech),
            "stock": lambda speech: _ask_stock(stock, speech),
        }
        for number in range(rounds + 1):
            for speech in _questions():
                for name in sorted(sides, reverse=bool(number % 2)):
                    latency_ms = 1000 * await sides[name](speech)
                    if number:
                        took[name].append(latency_ms)
    await stock.close()
    return summarise(took["own"], took["stock"])


def _questions() -> list[Samples]:
    """Each recording at 16 kHz, from each place in a window."""
    found = []
    for path in sorted(SPEECH_DIR.glob("question-*.wav")):
        recording = read_wav(path)
        speech = resample(recording.samples, recording.rate_hz, OWN_RATE_HZ)
        for place in range(PLACES):
            lead = np.zeros(round(place / PLACES * CYCLE_S * OWN_RATE_HZ), np.float32)
            found.append(np.concatenate([lead, speech]))
    return found


async def _ask_own(client: Conversation, speech: Samples) -> float:
    reply = await client.ask(speech, OWN_RATE_HZ, is_cut=True)
    await client.clear()
    assert reply.first_audio_at_s is not None, reply.turn["outcome"]
    silence_s = (len(speech) - speech_end_sample(speech, OWN_RATE_HZ)) / OWN_RATE_HZ
    return reply.first_audio_at_s - reply.question_ended_at_s + silence_s


async def _ask_stock(client: StockClient, speech: Samples) -> float:
    """Ask, cancel the answer at its first sound, and clear away: as on the other side."""
    end_s = speech_end_sample(speech, OWN_RATE_HZ) / OWN_RATE_HZ
    started_s = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        speaker = tasks.create_task(_speak(client, speech, started_s))
        await client.until("response.output_audio.delta")
        first_s = client.events[-1][0]
        await client.send({"type": "response.cancel"})
        await client.until("response.done")
        speaker.cancel()
    await client.send({"type": "input_audio_buffer.clear"})
    await client.until("input_audio_buffer.cleared")
    return first_s - (started_s + end_s)


async def _speak(client: StockClient, speech: Samples, started_s: float) -> None:
    at_24_khz = resample(speech, OWN_RATE_HZ, RATE_HZ)
    size = round(FRAME_S * RATE_HZ)
    number = 0
    while True:
        piece = at_24_khz[number * size : (number + 1) * size]
        full = np.zeros(size, np.float32)
        full[: len(piece)] = piece
        await client.append(encode_pcm16(full))
        number += 1
        await asyncio.sleep(max(0.0, started_s + number * FRAME_S - time.monotonic()))


def summarise(own_ms: Sequence[float], stock_ms: Sequence[float]) -> dict[str, Any]:
    """Return the figures that are told and kept; turns are paired by their order."""
    added = [stock - own for own, stock in zip(own_ms, stock_ms, strict=True)]
    return {
        "ws_ms": percentiles(own_ms),
        "realtime_ms": percentiles(stock_ms),
        "added_mean_ms": round(mean(added), 2),
        "added_ms": percentiles(added),
    }


def is_kept(figures: Mapping[str, Any]) -> bool:
    """Whether what is added is no more than was promised."""
    return bool(max(figures["added_mean_ms"], figures["added_ms"]["p50"]) <= MOST_ADDED_MS)


def _line(figures: Mapping[str, Any]) -> str:
    ws, realtime = figures["ws_ms"]["p50"], figures["realtime_ms"]["p50"]
    added = f"added {figures['added_mean_ms']} ms, p50 {figures['added_ms']['p50']} ms"
    return f"/ws p50 {ws} ms, /v1/realtime p50 {realtime} ms, {added}"


if __name__ == "__main__":
    raise SystemExit(main())
