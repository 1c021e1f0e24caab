"""Twice as many people as there are places: what the refused are told and when, and whether those
who were let in notice. It measures a server of its own, beside which it runs in another process.

`python -m benchmarks.overload [--places 4] [--seconds 120] [--every-s 12] [--stand-in] [--json]`

Three phases of `--seconds` each with the same schedule: one session alone, all places taken and
nobody refused, all places taken and as many clients again that knock, are refused, wait as long as
they are told and knock again. Then everybody leaves, and what the process holds is compared with
what it held before the third phase. At last so many knock in a row that what one refusal leaves is
seen: 4 KB of each. The last two phases ask the same questions, which no cache holds for so long:
an engine keeps the working memory of the longest sentences that it met together.

Memory is measured as the soak does (benchmarks/soak.py), by floors: the least of some readings,
each behind a malloc_trim, less what the caches hold. What a trim gives back, tens of MB, no session
holds. What an answer leaves is the soak's to tell, over hundreds of them.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.load import run_load, to_question
from benchmarks.load_session import Question
from benchmarks.recorded_questions import many_lines
from benchmarks.results import OUT_DIR, percentiles, table, write_result
from benchmarks.schedule import Schedule
from benchmarks.script import write_script
from benchmarks.server_process import RunningServer, running_server

REFUSED_WITHIN_MS: Final = 50.0
P95_WITHIN: Final = 1.2
GROWN_WITHIN_MB: Final = 16.0
"""Floors of the same load over and over, 48 answers each, were up to 16 MB apart: the engines'
working memory is as large as the longest sentences that met."""
READINGS: Final = 5
"""Of tasks and memory, of which the least counts: the task of the reading before may just end."""
READ_EVERY_S: Final = 0.2
KNOCKS_A_BATCH: Final = 300
BATCHES: Final = 4
"""Within what one address may open in a minute. The first one warms up."""
REFUSAL_LEAVES_KB: Final = 4.0
CACHE_TTL_S: Final = 6
"""As in benchmarks.load: nobody's question is answered from what another's left."""
SETTLE_S: Final = 30.0
"""The longest that everybody's leaving is waited for."""
KNOCK_TIMEOUT_S: Final = 10.0
JITTER: Final = 0.2


@dataclass(frozen=True, slots=True)
class Refusal:
    """One knock that was refused, in milliseconds from its first packet."""

    handshake_ms: float
    told_ms: float
    """To the `error` event."""
    close_code: int | None
    retry_after_ms: int


@dataclass(slots=True)
class Knocks:
    """What became of all knocks of one phase."""

    refusals: list[Refusal] = field(default_factory=list)
    let_in: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Knocks that brought neither a session nor an error event, by what happened instead."""

    def figures(self) -> dict[str, Any]:
        """Return counts and times."""
        told = [refusal.told_ms for refusal in self.refusals]
        return {
            "refusals": len(told),
            "refusal_ms": percentiles(told) | {"max": round(max(told, default=0.0), 1)},
            "refusal_after_handshake_ms": percentiles(
                refusal.told_ms - refusal.handshake_ms for refusal in self.refusals
            ),
            "refusals_late": sum(each > REFUSED_WITHIN_MS for each in told),
            "close_codes": dict(Counter(str(refusal.close_code) for refusal in self.refusals)),
            "without_retry_after": sum(not refusal.retry_after_ms for refusal in self.refusals),
            "let_in": self.let_in,
            "knocks_failed": dict(self.failed),
        }


@dataclass(frozen=True, slots=True)
class Held:
    """What the server's process holds at one moment."""

    tasks: int
    threads: int
    descriptors: int
    memory_mb: float
    cached_mb: float
    """Of that, what the memory caches keep on purpose."""

    @property
    def own_mb(self) -> float:
        """What is held beside the caches."""
        return self.memory_mb - self.cached_mb


@dataclass(frozen=True, slots=True)
class Leavings:
    """What is held after each batch of refusals in a row, in MB beside the caches."""

    floors_mb: tuple[float, ...]
    refused: int
    """In all batches but the first."""

    @property
    def kb_a_refusal(self) -> float:
        """What one refusal leaves; 0 when nobody was refused."""
        grown_mb = self.floors_mb[-1] - self.floors_mb[0]
        return round(1024 * grown_mb / self.refused, 2) if self.refused else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, print, write the result. Returns 0, or 1 when nobody was answered."""
    parsed = _parser().parse_args(arguments)
    lines, said = many_lines()
    print(f"  {said}", file=sys.stderr)
    script = write_script(lines, OUT_DIR / "overload-script.json") if parsed.stand_in else None
    wanted = {
        "PARLEY_PRESET": "production",
        "PARLEY_SESSIONS_MAXIMUM": str(parsed.places),
        "PARLEY_CACHE_TTL_S": str(CACHE_TTL_S),
    }
    variables = {name: value for name, value in wanted.items() if name not in os.environ}
    with running_server(variables, script=script, trims=True) as server:
        schedule = Schedule(parsed.places, parsed.seconds, parsed.every_s)
        figures = asyncio.run(run_phases(server, schedule, [to_question(line) for line in lines]))
    _show(figures)
    if not figures["overloaded"]["voice_to_voice_ms"]["count"]:
        print("overload: nobody was answered, so no result is kept", file=sys.stderr)
        return 1
    write_result("overload", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.overload", description=__doc__)
    parser.add_argument("--places", type=int, default=4, help="PARLEY_SESSIONS_MAXIMUM")
    parser.add_argument("--seconds", type=float, default=120.0, help="time in which to ask")
    parser.add_argument("--every-s", type=float, default=12.0, help="from question to question")
    parser.add_argument(
        "--stand-in", action="store_true", help="engines with random weights and scripted words"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    return parser


async def run_phases(
    server: RunningServer, schedule: Schedule, questions: Sequence[Question]
) -> dict[str, Any]:
    """Run the three phases and return their figures, what is left behind, and what holds."""
    url, process_id = server.url, server.process_id
    one = Schedule(1, schedule.seconds, schedule.every_s)
    alone = await run_load(url, one, questions, process_id)
    asked = _from_the_middle(questions)
    full = await run_load(url, schedule, asked, process_id)
    before = await asyncio.to_thread(settled, server)
    knocks = Knocks()
    async with asyncio.TaskGroup() as group:
        load = group.create_task(run_load(url, schedule, asked, process_id))
        group.create_task(_knock_all(server, schedule, knocks))
    after = await asyncio.to_thread(settled, server)
    left = await refuse_in_a_row(server, schedule.sessions)
    return summarise(alone, full, load.result(), knocks, before, after, left)


async def refuse_in_a_row(server: RunningServer, places: int) -> Leavings:
    """Take all places with people who say nothing, and knock; look after each batch."""
    knocks, floors_mb, first = Knocks(), [], 0
    async with AsyncExitStack() as taken:
        for _ in range(places):
            await taken.enter_async_context(connect(server.url, compression=None))
        await asyncio.to_thread(wait_until_full, server.port)
        for batch in range(BATCHES):
            for _ in range(KNOCKS_A_BATCH):
                await knock(server.url, knocks)
            floors_mb.append((await asyncio.to_thread(_held_by, server)).own_mb)
            first = first if batch else len(knocks.refusals)
    return Leavings(tuple(floors_mb), len(knocks.refusals) - first)


def _from_the_middle(questions: Sequence[Question]) -> list[Question]:
    """Begin elsewhere than the first phase."""
    first = len(questions) // 2
    return [*questions[first:], *questions[:first]]


def summarise(
    alone: Mapping[str, Any],
    full: Mapping[str, Any],
    overloaded: Mapping[str, Any],
    knocks: Knocks,
    before: Held,
    after: Held,
    left: Leavings,
) -> dict[str, Any]:
    """Return everything under the names that the result has."""
    refused = knocks.figures()
    grown = {name: round(value - getattr(before, name), 1) for name, value in asdict(after).items()}
    ratios = {
        "p95_over_full": _ratio(overloaded, full),
        "p95_over_alone": _ratio(overloaded, alone),
    }
    return {
        "alone": dict(alone),
        "full": dict(full),
        "overloaded": dict(overloaded),
        "knocks": refused,
        "before": asdict(before),
        "after": asdict(after),
        "grown": grown,
        "refusals_in_a_row": asdict(left) | {"kb_a_refusal": left.kb_a_refusal},
        **ratios,
        "holds": {
            "refused_within_50_ms": bool(refused["refusals"]) and not refused["refusals_late"],
            "p95_within_1_2_of_full": 0 < ratios["p95_over_full"] <= P95_WITHIN,
            "p95_within_1_2_of_alone": 0 < ratios["p95_over_alone"] <= P95_WITHIN,
            "nothing_leaks": grown["tasks"] <= 0
            and grown["threads"] <= 0
            and grown["descriptors"] <= 0
            and after.own_mb - before.own_mb <= GROWN_WITHIN_MB
            and left.refused > 0
            and left.kb_a_refusal <= REFUSAL_LEAVES_KB,
        },
    }


def _ratio(loaded: Mapping[str, Any], quiet: Mapping[str, Any]) -> float:
    """Return p95 against p95; 0 where nothing was answered."""
    of, to = (float(each["voice_to_voice_ms"]["p95"]) for each in (loaded, quiet))
    return round(of / to, 3) if to else 0.0


async def _knock_all(server: RunningServer, schedule: Schedule, knocks: Knocks) -> None:
    """Once every place is taken, as many clients as there are places knock until the end."""
    await asyncio.to_thread(wait_until_full, server.port)
    end_s = time.monotonic() + schedule.seconds
    async with asyncio.TaskGroup() as group:
        for number in range(schedule.sessions):
            group.create_task(knock_on(server.url, end_s, knocks, random.Random(number)))


async def knock_on(url: str, end_s: float, knocks: Knocks, chance: random.Random) -> None:
    """Knock, wait as long as one is told, and knock again, until that monotonic second."""
    while time.monotonic() < end_s:
        wait_ms = await knock(url, knocks)
        wait_s = wait_ms / 1000 * (1 + JITTER * chance.random())
        await asyncio.sleep(min(wait_s, max(0.0, end_s - time.monotonic())))


async def knock(url: str, knocks: Knocks) -> int:
    """Knock once and note what came; return the milliseconds to wait."""
    began_s = time.monotonic()
    try:
        async with (
            asyncio.timeout(KNOCK_TIMEOUT_S),
            connect(url, compression=None, ping_interval=None) as connection,
        ):
            opened_s = time.monotonic()
            first = json.loads(await connection.recv())
            told_s = time.monotonic()
            if first["type"] != "error":
                knocks.let_in += 1
                return 1000
            with suppress(ConnectionClosed):
                await connection.recv()
            retry_after_ms = int(first["error"].get("retry_after_ms", 0))
            knocks.refusals.append(
                Refusal(
                    (opened_s - began_s) * 1000,
                    (told_s - began_s) * 1000,
                    connection.close_code,
                    retry_after_ms,
                )
            )
            return retry_after_ms or 1000
    except (OSError, TimeoutError, ConnectionClosed) as error:
        knocks.failed[type(error).__name__] += 1
        return 1000


def wait_until_full(port: int) -> None:
    """Block until /ready says that every place is taken. Raises TimeoutError when it never does."""
    _wait_for(lambda: _status_of(port, "/ready") == 503)


def settled(server: RunningServer) -> Held:
    """Block until nobody is there and as little is held as will be; return what is held."""
    _wait_for(lambda: not _stats(server.port)["sessions"])
    held = _held_by(server)
    for _ in range(10):
        time.sleep(0.5)
        before, held = held, _held_by(server)
        if (held.tasks, held.descriptors) == (before.tasks, before.descriptors):
            break
    return held


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + SETTLE_S
    while not condition():
        if time.monotonic() > give_up_s:
            raise TimeoutError(f"the server did not come to it within {SETTLE_S:g} s")
        time.sleep(0.05)


def _held_by(server: RunningServer) -> Held:
    process = psutil.Process(server.process_id)
    # Before /stats is asked for: its own connection would be among them.
    descriptors, threads = process.num_fds(), process.num_threads()
    readings = [_trimmed(server, process) for _ in range(READINGS)]
    tasks, resident_bytes, cached_bytes = (min(each) for each in zip(*readings, strict=True))
    mega = 1 << 20
    memory_mb, cached_mb = round(resident_bytes / mega, 2), round(cached_bytes / mega, 2)
    return Held(tasks, threads, descriptors, memory_mb, cached_mb)


def _trimmed(server: RunningServer, process: psutil.Process) -> tuple[int, int, int]:
    """Return tasks, and the bytes that are resident behind a trim and that the caches hold.

    The trim is done before the next request is answered.
    """
    os.kill(server.process_id, signal.SIGUSR1)
    stats = _stats(server.port)
    time.sleep(READ_EVERY_S)
    cached_bytes = sum(stage["size_bytes"] for stage in stats["cache"].values())
    return int(stats["process"]["tasks"]), int(process.memory_info().rss), cached_bytes


def _stats(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=10) as got:
        told: dict[str, Any] = json.load(got)
    return told


def _status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _show(figures: Mapping[str, Any]) -> None:
    rows: list[tuple[object, ...]] = [("milliseconds", "count", "p50", "p95", "p99")]
    for phase in ("alone", "full", "overloaded"):
        told = figures[phase]["voice_to_voice_ms"]
        rows.append((phase, *(told[key] for key in ("count", "p50", "p95", "p99"))))
    told = figures["knocks"]["refusal_ms"]
    rows.append(("refusal", *(told[key] for key in ("count", "p50", "p95", "p99"))))
    print(table(rows))
    knocks = figures["knocks"]
    plain = [(name, knocks[name]) for name in ("refusals_late", "let_in", "without_retry_after")]
    plain += [("refusal max ms", told["max"]), ("close codes", knocks["close_codes"])]
    plain += [(name, figures[name]) for name in ("p95_over_full", "p95_over_alone")]
    plain += [(f"grown: {name}", value) for name, value in figures["grown"].items()]
    plain += [("KB that a refusal leaves", figures["refusals_in_a_row"]["kb_a_refusal"])]
    late_ms = figures["overloaded"]["client_late_ms_max"]
    plain += [("client_late_ms_max", late_ms), *figures["holds"].items()]
    print(table(plain))


if __name__ == "__main__":
    raise SystemExit(main())
