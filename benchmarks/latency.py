"""Voice-to-voice latency: WAVs at real-time pace through the real WebSocket of a server process.

Measured at the client, from the true end of speech in the recording to the first audible sample.
`python -m benchmarks.latency WAV... [--turns N] [--stand-in | --url ws://...] [--json]`
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from audio.wavfile import WavAudio, WavError, read_wav
from benchmarks.demo import SPEECH_DIR
from benchmarks.recorded_questions import lines_of
from benchmarks.results import OUT_DIR, percentiles, table, write_result
from benchmarks.script import write_script
from benchmarks.server_process import running_server
from benchmarks.speech_edges import first_audible_sample, speech_end_sample
from server.client import Conversation, Reply

CACHED_STAGES = ("search", "answer", "tts")
"""A turn counts as cached when these were; the same words never sound the same twice."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One measured turn."""

    voice_to_voice_ms: float
    """At the client: true end of speech to first audible sample."""
    server_ms: float
    segments: dict[str, float]
    is_cached: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result."""
    parsed = _parser().parse_args(arguments)
    paths = parsed.wav or sorted(SPEECH_DIR.glob("*.wav"))
    try:
        recordings = [read_wav(path) for path in paths]
    except WavError as error:
        print(f"latency: {error}", file=sys.stderr)
        return 2
    with nullcontext() if parsed.url else running_server(script=_script(parsed, paths)) as server:
        url = parsed.url or (server.url if server else "")
        turns, engines = asyncio.run(_measure(url, recordings, parsed.turns or 2 * len(paths)))
    names = [path.name for path in paths]
    figures = summarise(turns) | {"engines": engines, "questions_ms": by_question(turns, names)}
    _show(figures)
    write_result("latency-stand-in" if parsed.stand_in else "latency", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.latency", description=__doc__)
    parser.add_argument("wav", type=Path, nargs="*", help="recordings; default: tests/speech")
    parser.add_argument("--turns", type=int, help="turns in all; default: each recording twice")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="measure a running server instead of one of its own")
    where.add_argument(
        "--stand-in", action="store_true", help="engines with random weights and scripted words"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


def _script(parsed: argparse.Namespace, paths: Sequence[Path]) -> Path | None:
    if not parsed.stand_in:
        return None
    return write_script(lines_of(paths), OUT_DIR / "latency-script.json")


async def _measure(
    url: str, recordings: Sequence[WavAudio], turns: int
) -> tuple[list[Turn], dict[str, str]]:
    measured = []
    async with await Conversation.open(url) as conversation:
        for number in range(turns):
            recording = recordings[number % len(recordings)]
            reply = await conversation.ask(recording.samples, recording.rate_hz)
            measured.append(judge(recording, reply))
            print(f"  turn {number + 1} of {turns}", file=sys.stderr)
        return measured, dict(conversation.session["parley"]["engines"])


def judge(recording: WavAudio, reply: Reply) -> Turn:
    """Turn one reply into times."""
    told = reply.turn
    end_s = speech_end_sample(recording.samples, recording.rate_hz) / recording.rate_hz
    spoken_s = len(recording.samples) / recording.rate_hz
    ended_at_s = reply.question_ended_at_s - spoken_s + end_s
    heard_at_s = first_audible_at_s(reply)
    return Turn(
        voice_to_voice_ms=(heard_at_s - ended_at_s) * 1000,
        server_ms=told["voice_to_voice_ms"] or 0.0,
        segments=dict(told["segments"]),
        is_cached=all(told["cache"].get(stage) == "hit" for stage in CACHED_STAGES),
    )


def first_audible_at_s(reply: Reply) -> float:
    """When a client that plays at once would let the first audible sample be heard."""
    first = first_audible_sample(reply.samples)
    if first is None or reply.first_audio_at_s is None:
        raise RuntimeError("The answer cannot be heard.")
    arrived_samples = 0
    for at_s, samples in reply.audio_arrivals:
        arrived_samples += samples
        if arrived_samples > first:
            return max(at_s, reply.first_audio_at_s + first / reply.rate_hz)
    raise RuntimeError("The answer is shorter than its samples.")


def summarise(turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the figures, cold and cached apart."""
    names = sorted({name for turn in turns for name in turn.segments})
    return {
        "voice_to_voice_ms": percentiles(turn.voice_to_voice_ms for turn in turns),
        "cold_ms": percentiles(turn.voice_to_voice_ms for turn in turns if not turn.is_cached),
        "cached_ms": percentiles(turn.voice_to_voice_ms for turn in turns if turn.is_cached),
        "server_voice_to_voice_ms": percentiles(turn.server_ms for turn in turns),
        "segments": {
            name: percentiles(turn.segments[name] for turn in turns if name in turn.segments)
            for name in names
        },
        "segments_sum_error_ms_max": round(
            max(abs(sum(turn.segments.values()) - turn.server_ms) for turn in turns), 3
        ),
    }


def by_question(turns: Sequence[Turn], names: Sequence[str]) -> dict[str, float]:
    """Return the median of each recording's uncached turns, which were asked in that order."""
    times: dict[str, list[float]] = {}
    for number, turn in enumerate(turns):
        if not turn.is_cached:
            times.setdefault(names[number % len(names)], []).append(turn.voice_to_voice_ms)
    return {name: round(median(values), 1) for name, values in times.items()}


def _show(figures: dict[str, Any]) -> None:
    kinds = ("voice_to_voice_ms", "cold_ms", "cached_ms", "server_voice_to_voice_ms")
    named = [(kind, figures[kind]) for kind in kinds] + list(figures["segments"].items())
    rows = [(name, *(told[key] for key in ("count", "p50", "p95", "p99"))) for name, told in named]
    print(table([("milliseconds", "count", "p50", "p95", "p99"), *rows]))


if __name__ == "__main__":
    raise SystemExit(main())
