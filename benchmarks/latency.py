"""Voice-to-voice latency: WAVs at real-time pace through the real WebSocket of a server process.

Measured at the client, from the true end of speech in the recording to the first audible sample;
how well the questions were heard is told beside it, from the same run.
`python -m benchmarks.latency WAV... [--turns N] [--stand-in | --url ws://...] [--plain] [--json]`
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from audio.wavfile import WavAudio, WavError, read_wav
from benchmarks.accuracy import (
    HeardQuestion,
    accuracy_of,
    degradation_of,
    is_false_barge_in,
    is_scripted,
)
from benchmarks.demo import SPEECH_DIR
from benchmarks.process_cpu import Meters
from benchmarks.recorded_questions import lines_of, words_of
from benchmarks.results import OUT_DIR, percentiles, table, write_result
from benchmarks.script import write_script
from benchmarks.server_process import running_server
from benchmarks.speech_edges import first_audible_sample, speech_end_sample
from server.client import Conversation, NoAnswer, Reply

NOTHING_AHEAD = {"PARLEY_SPECULATION": "0", "PARLEY_PARTIALS": "0", "PARLEY_PRESPEAK": "0"}
WORK_SEGMENTS = ("embed", "search", "answer_first", "tts_first")
CACHED_STAGES = ("search", "answer", "tts")
"""A turn counts as cached when these were; the same words never sound the same twice."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One measured turn."""

    question: str
    """The recording's name."""
    voice_to_voice_ms: float
    """At the client: true end of speech to first audible sample."""
    over_wait_ms: float
    """At the client: the news that the utterance is over to the first audible sample."""
    server_ms: float
    segments: dict[str, float]
    is_cached: bool
    answer_s: float
    told: Mapping[str, Any]
    """The `parley.turn` event."""


@dataclass(slots=True)
class Run:
    """All that was measured."""

    turns: list[Turn]
    heard: list[HeardQuestion]
    engines: dict[str, str]
    cores: dict[str, float | None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result. Returns 0, 1 when nothing was answered, 2 for bad WAVs."""
    parsed = _parser().parse_args(arguments)
    paths = parsed.wav or sorted(SPEECH_DIR.glob("*.wav"))
    try:
        recordings = {path.name: read_wav(path) for path in paths}
    except WavError as error:
        print(f"latency: {error}", file=sys.stderr)
        return 2
    variables = NOTHING_AHEAD if parsed.plain else {}
    own = running_server(variables, script=_script(parsed, paths))
    with nullcontext() if parsed.url else own as server:
        url = parsed.url or (server.url if server else "")
        measure = _measure(url, recordings, words_of(paths), parsed.turns or 2 * len(paths))
        run = asyncio.run(_metered(measure, server.process_id if server else None))
    if not run.turns:
        print("latency: nothing was answered, so no result is kept", file=sys.stderr)
        return 1
    figures = summarise(run)
    _show(figures)
    stand_in, plain = "-stand-in" * parsed.stand_in, "-plain" * parsed.plain
    write_result(f"latency{plain}{stand_in}", figures)
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
    parser.add_argument(
        "--plain",
        action="store_true",
        help="make nothing ahead: shows the work and what caches save",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


def _script(parsed: argparse.Namespace, paths: Sequence[Path]) -> Path | None:
    if not parsed.stand_in:
        return None
    return write_script(lines_of(paths), OUT_DIR / "latency-script.json")


async def _metered(measure: Coroutine[Any, Any, Run], process_id: int | None) -> Run:
    meters = Meters.start(process_id)
    run = await measure
    run.cores = meters.figures()
    return run


async def _measure(
    url: str, recordings: Mapping[str, WavAudio], words: Mapping[str, str], turns: int
) -> Run:
    names = list(recordings)
    async with await Conversation.open(url) as conversation:
        run = Run([], [], dict(conversation.session["parley"]["engines"]), {})
        for number in range(turns):
            name = names[number % len(names)]
            await _ask(conversation, name, recordings[name], words.get(name), run)
            print(f"  turn {number + 1} of {turns}", file=sys.stderr)
        return run


async def _ask(
    conversation: Conversation, name: str, recording: WavAudio, said: str | None, run: Run
) -> None:
    """Ask once and note the turn; a question that brings none is missed."""
    try:
        reply = await conversation.ask(recording.samples, recording.rate_hz)
    except NoAnswer as error:
        print(f"  {name}: {error}", file=sys.stderr)
        run.heard.append(HeardQuestion(0.0, (), 0, "", said))
        return
    run.heard.append(heard_question(recording, reply, said))
    if first_audible_sample(reply.samples) is not None:
        run.turns.append(judge(name, recording, reply))


def heard_question(recording: WavAudio, reply: Reply, said: str | None) -> HeardQuestion:
    """Say how one question was heard."""
    ended_at_s = _speech_ended_at_s(recording, reply)
    false_barge_ins = 0
    for event, at_s in zip(reply.events, reply.event_arrivals_s, strict=True):
        if event["type"] == "parley.turn":
            is_audible = any(arrived_at_s < at_s for arrived_at_s, _ in reply.audio_arrivals)
            false_barge_ins += is_false_barge_in(
                event["outcome"], at_s, ended_at_s, is_audible=is_audible
            )
    transcript = str(reply.turn.get("transcript", ""))
    return HeardQuestion(
        ended_at_s, tuple(_committed_at_s(reply)), false_barge_ins, transcript, said
    )


def _committed_at_s(reply: Reply) -> list[float]:
    pairs = zip(reply.events, reply.event_arrivals_s, strict=True)
    return [at_s for event, at_s in pairs if event["type"] == "input_audio_buffer.committed"]


def _speech_ended_at_s(recording: WavAudio, reply: Reply) -> float:
    end_s = speech_end_sample(recording.samples, recording.rate_hz) / recording.rate_hz
    return reply.question_ended_at_s - len(recording.samples) / recording.rate_hz + end_s


def judge(name: str, recording: WavAudio, reply: Reply) -> Turn:
    """Turn one reply that can be heard into times."""
    told = reply.turn
    heard_at_s = first_audible_at_s(reply)
    return Turn(
        question=name,
        voice_to_voice_ms=(heard_at_s - _speech_ended_at_s(recording, reply)) * 1000,
        over_wait_ms=(heard_at_s - _committed_at_s(reply)[-1]) * 1000,
        server_ms=told["voice_to_voice_ms"] or 0.0,
        segments=dict(told["segments"]),
        is_cached=all(told["cache"].get(stage) == "hit" for stage in CACHED_STAGES),
        answer_s=len(reply.samples) / reply.rate_hz,
        told=told,
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


def summarise(run: Run) -> dict[str, Any]:
    """Return the figures, cold and cached apart."""
    turns = run.turns
    names = sorted({name for turn in turns for name in turn.segments})
    cached = [turn for turn in turns if turn.is_cached]
    answers_s = [turn.answer_s for turn in turns]
    return {
        "voice_to_voice_ms": percentiles(turn.voice_to_voice_ms for turn in turns),
        "cold_ms": percentiles(turn.voice_to_voice_ms for turn in turns if not turn.is_cached),
        "cached_ms": percentiles(turn.voice_to_voice_ms for turn in cached),
        "cached_over_wait_ms": percentiles(turn.over_wait_ms for turn in cached),
        "compute_after_endpoint": compute_after_endpoint(turns),
        "server_voice_to_voice_ms": percentiles(turn.server_ms for turn in turns),
        "segments": {
            name: percentiles(turn.segments[name] for turn in turns if name in turn.segments)
            for name in names
        },
        "segments_sum_error_ms_max": round(
            max(abs(sum(turn.segments.values()) - turn.server_ms) for turn in turns), 3
        ),
        "answer_s": percentiles(answers_s) | {"mean": round(mean(answers_s), 1)},
        "accuracy": accuracy_of(run.heard, is_scripted=is_scripted(run.engines)),
        **degradation_of(turn.told for turn in turns),
        **run.cores,
        "engines": run.engines,
        "questions_ms": by_question(turns),
    }


def compute_after_endpoint(turns: Sequence[Turn]) -> dict[str, float | None]:
    """Return the median work of search, answer and first speech, and what of it a cache leaves.

    Only `--plain` shows it whole: else most of it was done before the endpoint. Recognition is left
    out, for the same words never sound the same twice.
    """
    work_ms: dict[bool, list[float]] = {True: [], False: []}
    for turn in turns:
        work_ms[turn.is_cached].append(sum(turn.segments.get(name, 0.0) for name in WORK_SEGMENTS))
    cold, cached = (median(work_ms[each]) if work_ms[each] else None for each in (False, True))
    return {
        "cold_ms": None if cold is None else round(cold, 2),
        "cached_ms": None if cached is None else round(cached, 2),
        "cached_share": round(cached / cold, 3) if cold and cached is not None else None,
    }


def by_question(turns: Sequence[Turn]) -> dict[str, float]:
    """Return the median of each recording's uncached turns."""
    times: dict[str, list[float]] = {}
    for turn in turns:
        if not turn.is_cached:
            times.setdefault(turn.question, []).append(turn.voice_to_voice_ms)
    return {name: round(median(values), 1) for name, values in times.items()}


def _show(figures: dict[str, Any]) -> None:
    kinds = ("voice_to_voice_ms", "cold_ms", "cached_ms", "cached_over_wait_ms")
    named = [(kind, figures[kind]) for kind in (*kinds, "server_voice_to_voice_ms")]
    named += figures["segments"].items()
    rows = [(name, *(told[key] for key in ("count", "p50", "p95", "p99"))) for name, told in named]
    print(table([("milliseconds", "count", "p50", "p95", "p99"), *rows]))
    plain = ("segments_sum_error_ms_max", "server_cores", "client_cores", "degraded_percent")
    answers = [(f"answer_s {key}", figures["answer_s"][key]) for key in ("p50", "mean")]
    told = [(name, figures[name]) for name in plain]
    print(table([*told, *answers, *figures["accuracy"].items()]))


if __name__ == "__main__":
    raise SystemExit(main())
