"""Parley beside a local voice bot of pipecat's parts: same weights, recordings, answers and client.

Sides take turns within one run. It needs .venv-peer, which `make peer` installs; docs/comparison.md
tells what is compared. `python -m benchmarks.peer [--sessions 1,4,8] [--seconds S]
[--threads library|one|faster] [--process-per-session] [--json]`
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load_session import LoadSession, Question, Refused
from benchmarks.peer_figures import Round, heard_at_s, is_early, ratios, side_figures
from benchmarks.peer_process import PEER_PYTHON, NoPeer, running_bots, say, versions_by
from benchmarks.peer_questions import answered, as_asked, as_scripted, shortest_answered
from benchmarks.peer_setups import LIBRARY_THREADS, PeerSetup, defaults, tuned, write_config
from benchmarks.peer_wire import PeerConnection
from benchmarks.peer_words import write_words
from benchmarks.recorded_questions import many_lines
from benchmarks.results import OUT_DIR, table, write_result
from benchmarks.schedule import Schedule
from benchmarks.script import write_script
from benchmarks.server_process import running_server

OURS = "parley"
EVERY_S = 10.0
"""From question to question of one person: longer than a question and nearly every answer."""
SESSIONS = (1, 4, 8)
SECONDS = 2 * EVERY_S
FASTER = "faster"
LONE_SHARE = 1.5
"""One session alone asks half as often again, or its figures would rest on four questions."""
ROUNDS = 2
LISTEN_S = 15.0
"""The longest that is listened on after the last question began."""
AFTER_HEARD_S = 1.0
SETTLE_S = 1.0
QUIET_S = 0.5
QUIET_CORES = 0.1
QUIET_AT_MOST_S = 20.0
NOISY_CORES = 0.25
PACKAGES = ("faster-whisper", "ctranslate2", "piper-tts", "onnxruntime", "numpy")
OUT = OUT_DIR / "peer"


@dataclass(frozen=True, slots=True)
class Side:
    """One of those compared, running; `open` connects the session with that number."""

    name: str
    open: Callable[[int], Awaitable[LoadSession]]
    process_ids: tuple[int, ...]

    def cpu_s(self) -> float:
        """Processor time since its start, of processes that it started too."""
        return float(
            sum(times.user + times.system for times in self._read(psutil.Process.cpu_times))
        )

    def memory_mb(self) -> float:
        """What its processes share with no other."""
        told = self._read(psutil.Process.memory_full_info)
        return float(sum(each.uss for each in told)) / 1e6

    def _read(self, fact: Callable[[psutil.Process], Any]) -> Iterator[Any]:
        """Yield a fact of each process; one that has ended has none any more."""
        for process_id in self.process_ids:
            with suppress(psutil.Error):
                own = psutil.Process(process_id)
                yield fact(own)
                for child in own.children(recursive=True):
                    with suppress(psutil.Error):
                        yield fact(child)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print, write the result. Returns 0, or 1 after a message."""
    parsed = parser().parse_args(arguments)
    try:
        figures = {"versions": _versions()} | _compare(parsed)
    except NoPeer as error:
        print(f"peer: {error}", file=sys.stderr)
        return 1
    _show(figures)
    if is_standard(parsed):
        write_result("peer", figures)
    else:
        say("no result is kept: it would replace the standard run's")
    if parsed.json:
        print(json.dumps(figures))
    return 0


def _versions() -> dict[str, str]:
    """Return the versions of the peer and of the engines. Raises NoPeer when those differ."""
    theirs: dict[str, str] = json.loads(versions_by(PEER_PYTHON, ("pipecat-ai", *PACKAGES)))
    ours: dict[str, str] = json.loads(versions_by(sys.executable, PACKAGES))
    if other := [name for name in PACKAGES if ours[name] != theirs[name]]:
        raise NoPeer(f"The sides differ in {', '.join(other)}: run `make peer`.")
    return theirs


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(prog="benchmarks.peer", description=__doc__)
    made.add_argument("--sessions", type=_counts, default=SESSIONS, help="default 1,4,8")
    made.add_argument("--seconds", type=float, default=SECONDS, help="of a round's asking")
    made.add_argument(
        "--threads",
        choices=("library", "one", FASTER),
        default=FASTER,
        help="of the tuned bot's calls; faster: the library's for one session, one for several",
    )
    made.add_argument(
        "--process-per-session", action="store_true", help="of the bots, not one for all"
    )
    made.add_argument("--json", action="store_true", help="print one JSON object last")
    return made


def is_standard(parsed: argparse.Namespace) -> bool:
    """Whether the result may replace the committed one."""
    told = (parsed.sessions, parsed.seconds, parsed.threads, parsed.process_per_session)
    return told == (SESSIONS, SECONDS, FASTER, False)


def _counts(written: str) -> tuple[int, ...]:
    counts = tuple(int(each) for each in written.split(","))
    if min(counts) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return counts


def _compare(parsed: argparse.Namespace) -> dict[str, Any]:
    schedules = [schedule_of(sessions, parsed.seconds) for sessions in parsed.sessions]
    wanted = ROUNDS * max(map(asked_in, schedules))
    lines, said = many_lines()
    chosen = shortest_answered(answered(lines), wanted)
    if len(chosen) < wanted:
        raise NoPeer(f"{wanted} questions are needed, {len(chosen)} are here ({said}).")
    script = write_script([each.line for each in chosen], OUT / "script.json")
    words = write_words([as_scripted(each) for each in chosen], OUT / "words")
    runs: list[dict[str, Any]] = []
    setups: dict[str, str] = {}
    for schedule in schedules:
        shortest = shortest_answered(chosen, ROUNDS * asked_in(schedule))
        questions = [as_asked(each) for each in shortest]
        bots = (tuned(_threads(parsed.threads, schedule.sessions)), defaults())
        setups |= {f"{each.name}, {schedule.sessions} sessions": each.said for each in bots}
        with ExitStack() as stack:
            sides = _start(
                stack, script, words, bots, schedule.sessions, parsed.process_per_session
            )
            runs += asyncio.run(_take_turns(sides, schedule, questions))
    return {
        "every_s": EVERY_S,
        "processes": "one a session" if parsed.process_per_session else "one for all sessions",
        "setups": setups,
        "runs": runs,
        "ratios": ratios(runs, OURS),
    }


def schedule_of(sessions: int, seconds: float) -> Schedule:
    """Return who asks when in one round."""
    return Schedule(sessions, seconds * (LONE_SHARE if sessions == 1 else 1), EVERY_S)


def asked_in(schedule: Schedule) -> int:
    """Questions in one round."""
    return sum(len(list(schedule.asks_of(each, 1))) for each in range(schedule.sessions))


def _threads(choice: str, sessions: int) -> int:
    is_library = choice == "library" or (choice == FASTER and sessions == 1)
    return LIBRARY_THREADS if is_library else 1


def _start(
    stack: ExitStack,
    script: Path,
    words: Path,
    bots: Sequence[PeerSetup],
    sessions: int,
    process_per_session: bool,
) -> list[Side]:
    """Start all sides afresh, so that none has a cached answer of the run before."""
    say(f"starting {OURS} and {len(bots)} bots for {sessions}")
    server = stack.enter_context(running_server({"PARLEY_PRESET": "production"}, script=script))
    sides = [Side(OURS, lambda _: LoadSession.open(server.url), (server.process_id,))]
    for setup in bots:
        config = write_config(setup, words, OUT / f"{setup.name.replace(', ', '-')}.json")
        running = stack.enter_context(
            running_bots(setup, config, sessions, process_per_session=process_per_session)
        )
        sides.append(_side(setup, running.ports, running.process_ids))
    return sides


def _side(setup: PeerSetup, ports: Sequence[int], process_ids: tuple[int, ...]) -> Side:
    async def open_session(number: int) -> LoadSession:
        connection = await PeerConnection.open(ports[number])
        session = {"audio": {"output": {"format": {"rate": setup.rate_hz}}}}
        return LoadSession(connection, {**session, "parley": {"engines": {}}})

    return Side(setup.name, open_session, process_ids)


async def _take_turns(
    sides: Sequence[Side], schedule: Schedule, questions: Sequence[Question]
) -> list[dict[str, Any]]:
    """ABAB between Parley and the tuned bot; the bot with defaults takes one turn between."""
    rounds: dict[str, list[Round]] = {side.name: [] for side in sides}
    asked = asked_in(schedule)
    for number in range(ROUNDS):
        for side in sides if number == 0 else sides[:2]:
            await _until_quiet(sides)
            say(f"{schedule.sessions} sessions, round {number + 1}: {side.name}")
            own = questions[number * asked : (number + 1) * asked]
            rounds[side.name].append(await run_round(side, schedule, own))
    return [side_figures(side.name, schedule.sessions, rounds[side.name]) for side in sides]


async def _until_quiet(sides: Sequence[Side]) -> None:
    """Wait until no side computes, so that none works in another's round."""
    deadline_s = time.monotonic() + QUIET_AT_MOST_S
    while time.monotonic() < deadline_s:
        before_s = sum(side.cpu_s() for side in sides)
        await asyncio.sleep(QUIET_S)
        if sum(side.cpu_s() for side in sides) - before_s < QUIET_CORES * QUIET_S:
            return
    say("a side still computes; its next round bears it")


async def run_round(side: Side, schedule: Schedule, questions: Sequence[Question]) -> Round:
    """Let every session ask its questions, until each has been heard for a while."""
    opened = [await _open(side, number) for number in range(schedule.sessions)]
    sessions = [(number, each) for number, each in enumerate(opened) if each is not None]
    start_s, cpu_s, others_s = time.monotonic() + SETTLE_S, side.cpu_s(), _others_s(side)
    last_s = start_s + max(
        at_s for n in range(schedule.sessions) for at_s, _ in schedule.asks_of(n, 1)
    )
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, session in sessions:
            asks = [
                (at, questions[which]) for at, which in schedule.asks_of(number, len(questions))
            ]
            tasks.append(group.create_task(session.run(asks, start_s, last_s + LISTEN_S)))
        await _until_heard([session for _, session in sessions], last_s, last_s + LISTEN_S)
        cpu_s, others_s = side.cpu_s() - cpu_s, _others_s(side) - others_s
        memory_mb, end_s = side.memory_mb(), time.monotonic()
        for task in tasks:
            task.cancel()
    heard = [session for _, session in sessions]
    return Round(
        asked=tuple(tuple(session.exchanges) for session in heard),
        end_s=end_s,
        wall_s=end_s - start_s,
        cpu_s=cpu_s,
        others_s=others_s,
        memory_mb=memory_mb,
        refused=schedule.sessions - len(sessions),
        lost=sum(session.lost_code is not None for session in heard),
        client_late_ms=max((session.latest_frame_ms for session in heard), default=0.0),
    )


def _others_s(side: Side) -> float:
    """Processor time of this machine so far that neither this side nor the client took."""
    busy = psutil.cpu_times()
    client = psutil.Process().cpu_times()
    return busy.user + busy.nice + busy.system - side.cpu_s() - client.user - client.system


async def _open(side: Side, number: int) -> LoadSession | None:
    with suppress(Refused, OSError, TimeoutError):
        return await side.open(number)
    say(f"{side.name} refused session {number + 1}")
    return None


async def _until_heard(sessions: Sequence[LoadSession], last_s: float, end_s: float) -> None:
    """Wait for the first sound of every answer and a while longer, at most until `end_s`."""
    while (now_s := time.monotonic()) < end_s:
        exchanges = [asked for session in sessions for asked in session.exchanges]
        have_ended = now_s > last_s and all(now_s > each.speech_ends_at_s for each in exchanges)
        if have_ended and all(is_early(each) or heard_at_s(each) for each in exchanges):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(max(0.0, min(AFTER_HEARD_S, end_s - time.monotonic())))


def _show(figures: dict[str, Any]) -> None:
    """Print the table, then the ratios; say when the machine was not quiet."""
    plain = ("refused", "lost", "unanswered", "early", "cut_in_two", "longest_gap_ms")
    costs = ("cpu_s_per_question", "cores", "memory_mb", "client_late_ms_max", "others_cores")
    rows: list[tuple[object, ...]] = [
        ("sessions", "side", "questions", "p50 ms", "p95 ms", *plain, *costs)
    ]
    for run in figures["runs"]:
        times = run["voice_to_voice_ms"]
        asked = (run["sessions"], run["name"], run["questions"], times["p50"], times["p95"])
        rows.append((*asked, *(run[key] for key in (*plain, *costs))))
    print(table(rows))
    for ratio in figures["ratios"]:
        times_of = ", ".join(f"{key} {ratio[key]}" for key in ("p50", "p95"))
        print(f"{ratio['name']}, {ratio['sessions']} sessions, times {OURS}'s: {times_of}")
    if (others := max(run["others_cores"] for run in figures["runs"])) > NOISY_CORES:
        print(f"Other programs took up to {others} cores: no figures of a quiet machine.")


if __name__ == "__main__":
    raise SystemExit(main())
