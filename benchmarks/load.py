"""A load of paced sessions on a fixed schedule, each asking different questions.

It runs beside the server, in a process of its own; a late answer delays no question.
`python -m benchmarks.load --sessions N --seconds S [--stand-in | --url ws://...] [--every-s 12]
[--json]`
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from statistics import mean, median
from typing import Any

from audio.pcm import encode_pcm16
from benchmarks.accuracy import HeardQuestion, accuracy_of, degradation_of, is_scripted
from benchmarks.latency import CACHED_STAGES
from benchmarks.load_session import Exchange, LoadSession, Question, Refused, waited_ms
from benchmarks.process_cpu import Meters
from benchmarks.recorded_questions import many_lines
from benchmarks.results import OUT_DIR, percentiles, table, write_result
from benchmarks.schedule import Schedule
from benchmarks.script import ScriptLine, as_sent, write_script
from benchmarks.server_process import running_server
from benchmarks.speech_edges import speech_end_sample
from models.stt import RATE_HZ

SETTLE_S = 1.0
ANSWER_S = 30.0
"""The longest that is listened on after the last question could be asked."""
CACHE_TTL_S = 6
"""Long enough for what is made ahead at a pause, too short for another session's same question:
for schedules that come back to a question. The others ask each one once, so nothing is cached but
the openings of answers, which are spoken ahead of any question."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, print, write the result. Returns 0, or 1 when no question was answered."""
    parsed = _parser().parse_args(arguments)
    lines, said = many_lines()
    print(f"  {said}", file=sys.stderr)
    script = write_script(lines, OUT_DIR / "load-script.json") if parsed.stand_in else None
    server = (
        nullcontext()
        if parsed.url
        else running_server(_variables(parsed, len(lines)), script=script)
    )
    with server as running:
        url = parsed.url or (running.url if running else "")
        schedule = Schedule(parsed.sessions, parsed.seconds, parsed.every_s)
        questions = [to_question(line) for line in lines]
        process_id = running.process_id if running else None
        figures = asyncio.run(run_load(url, schedule, questions, process_id))
    _show(figures)
    if figures["unanswered"] == figures["questions"]:
        print("load: nothing was answered, so no result is kept", file=sys.stderr)
        return 1
    write_result(f"load-{parsed.sessions}", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=__doc__)
    parser.add_argument("--sessions", type=_at_least_one, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="time in which to ask")
    parser.add_argument("--every-s", type=float, default=12.0, help="from question to question")
    parser.add_argument("--preset", default="production", help="of the server that is started")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="load a running server instead of one of its own")
    where.add_argument(
        "--stand-in", action="store_true", help="engines with random weights and scripted words"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


def _at_least_one(written: str) -> int:
    number = int(written)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _variables(parsed: argparse.Namespace, questions: int) -> dict[str, str]:
    """Settings of the server that is started; the caller's own PARLEY_ variables go first."""
    wanted = {"PARLEY_PRESET": parsed.preset}
    if parsed.sessions * (parsed.seconds / parsed.every_s + 1) > questions:
        wanted["PARLEY_CACHE_TTL_S"] = str(CACHE_TTL_S)
    return {name: value for name, value in wanted.items() if name not in os.environ}


def to_question(line: ScriptLine) -> Question:
    """Return a recording as a session sends it, with the time at which speech truly ends."""
    samples = as_sent(line.wav)
    ends_s = speech_end_sample(samples, RATE_HZ) / RATE_HZ
    return Question(line.wav.name, encode_pcm16(samples), ends_s, line.text)


async def run_load(
    url: str, schedule: Schedule, questions: Sequence[Question], process_id: int | None = None
) -> dict[str, Any]:
    """Open all sessions, then run the schedule in all of them, and sum up.

    `process_id` is the server's, where it is a process of this machine.
    """
    opened = [await _open(url) for _ in range(schedule.sessions)]
    sessions = [session for session in opened if session is not None]
    meters = Meters.start(process_id)
    start_s = time.monotonic() + SETTLE_S
    end_s = start_s + schedule.seconds + ANSWER_S
    async with asyncio.TaskGroup() as group:
        for number, session in enumerate(sessions):
            asks = (
                (at_s, questions[which]) for at_s, which in schedule.asks_of(number, len(questions))
            )
            group.create_task(session.run(asks, start_s, end_s))
    return summarise(schedule, sessions, end_s) | meters.figures()


async def _open(url: str) -> LoadSession | None:
    try:
        return await LoadSession.open(url)
    except Refused as refusal:
        print(f"  refused: {refusal}", file=sys.stderr)
        return None


def summarise(schedule: Schedule, sessions: Sequence[LoadSession], end_s: float) -> dict[str, Any]:
    """Return the figures of all sessions together."""
    engines = sessions[0].engines if sessions else {}
    exchanges = [exchange for session in sessions for exchange in session.exchanges]
    waits_ms = [wait for session in sessions for wait in waited_ms(session.exchanges, end_s)]
    heard = [exchange for exchange in exchanges if exchange.playback.audible_at_s is not None]
    turns = [exchange.turn for exchange in exchanges if exchange.turn.get("segments")]
    return {
        "sessions": schedule.sessions,
        "refused": schedule.sessions - len(sessions),
        "lost": sum(session.lost_code is not None for session in sessions),
        "every_s": schedule.every_s,
        "seconds": schedule.seconds,
        "questions": len(exchanges),
        "unanswered": len(exchanges) - len(heard),
        "cut_in_two": sum(len(exchange.commits_at_s) > 1 for exchange in exchanges),
        "cached": sum(_is_cached(turn) for turn in turns),
        "outcomes": dict(Counter(e.turn.get("outcome", "none") for e in exchanges)),
        "voice_to_voice_ms": percentiles(waits_ms),
        "segments": _segments(turns),
        "segments_sum_error_ms_max": max(map(_sum_error_ms, turns), default=0.0),
        "longest_gap_ms": round(max((e.playback.longest_gap_ms for e in heard), default=0.0), 1),
        "answer_s": _with_mean([exchange.playback.duration_s for exchange in heard]),
        "accuracy": accuracy_of(list(map(_heard, exchanges)), is_scripted=is_scripted(engines)),
        **degradation_of(turns),
        "client_late_ms_max": round(max((s.latest_frame_ms for s in sessions), default=0.0), 1),
        "engines": engines,
        "endpoint_reasons": _reasons(turns),
        "questions_ms": _by_question(exchanges, waits_ms),
    }


def _heard(exchange: Exchange) -> HeardQuestion:
    return HeardQuestion(
        exchange.speech_ends_at_s,
        tuple(exchange.commits_at_s),
        exchange.false_barge_ins,
        str(exchange.turn.get("transcript", "")),
        exchange.said,
    )


def _with_mean(values: Sequence[float]) -> dict[str, float]:
    return percentiles(values) | {"mean": round(mean(values), 1) if values else 0.0}


def _is_cached(turn: dict[str, Any]) -> bool:
    return all(turn["cache"].get(stage) == "hit" for stage in CACHED_STAGES)


def _segments(turns: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    names = sorted({name for turn in turns for name in turn["segments"]})
    return {
        name: percentiles(turn["segments"][name] for turn in turns if name in turn["segments"])
        for name in names
    }


def _sum_error_ms(turn: dict[str, Any]) -> float:
    """A turn without a sound has no voice-to-voice, so nothing to sum to."""
    told_ms = turn["voice_to_voice_ms"]
    return 0.0 if told_ms is None else round(abs(sum(turn["segments"].values()) - told_ms), 3)


def _reasons(turns: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How long the endpoint waited, by why it did."""
    waits: dict[str, list[float]] = {}
    for turn in turns:
        endpoint = turn.get("endpoint") or {}
        waits.setdefault(str(endpoint.get("reason")), []).append(endpoint.get("wait_ms", 0))
    return {reason: percentiles(found) for reason, found in sorted(waits.items())}


def _by_question(exchanges: Sequence[Exchange], waits_ms: Sequence[float]) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    for exchange, wait in zip(exchanges, waits_ms, strict=True):
        times.setdefault(exchange.question, []).append(wait)
    return {name: round(median(values), 1) for name, values in times.items()}


def _show(figures: dict[str, Any]) -> None:
    named = [("voice_to_voice_ms", figures["voice_to_voice_ms"]), *figures["segments"].items()]
    rows = [(name, *(told[key] for key in ("count", "p50", "p95", "p99"))) for name, told in named]
    print(table([("milliseconds", "count", "p50", "p95", "p99"), *rows]))
    plain = ("sessions", "refused", "lost", "questions", "unanswered", "cut_in_two", "cached")
    times = ("longest_gap_ms", "segments_sum_error_ms_max", "client_late_ms_max", "client_cores")
    cores = ("server_cores", "server_event_loop_cores", "degraded_percent")
    told = [(name, figures[name]) for name in (*plain, *times, *cores)]
    answers = [(f"answer_s {key}", figures["answer_s"][key]) for key in ("p50", "mean")]
    print(table([*told, *answers, *figures["accuracy"].items()]))


if __name__ == "__main__":
    raise SystemExit(main())
