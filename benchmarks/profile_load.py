"""`make profile`: a CPU and a memory profile of a server under a scripted load, in benchmarks/out/.

The server runs twice in this process: once with cProfile on its event loop and the CPU of every
thread by name, once with tracemalloc. The clients run in a thread beside it, with a loop of their
own, so the event loop's profile holds none of them. Profiling slows things: it tells shares, no
latencies. `python -m benchmarks.profile_load [--sessions 2] [--rounds 3]`
"""

import argparse
import asyncio
import cProfile
import io
import pstats
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from audio.wavfile import read_wav
from benchmarks.demo import read_demo_questions
from benchmarks.results import OUT_DIR, table
from server.app import App
from server.client import ask_once
from server.settings import Settings, load_settings

SHOWN_ROWS = 40
FRAMES_KEPT = 1
"""One frame a block: more would cost several times the memory that is measured."""


@dataclass(slots=True)
class Load:
    """Rounds of demo questions: one by each session at once, another in the next round."""

    sessions: int
    rounds: int
    on_warm: Callable[[], None] = lambda: None
    """Called after the first round, when caches and engines are warm."""
    on_end: Callable[[], None] = lambda: None
    answered: int = 0
    errors: list[BaseException] = field(default_factory=list)

    def run(self, url: str) -> None:
        """Ask everything; blocks. What goes wrong is kept in `errors`."""
        try:
            asyncio.run(self._run(url))
            self.on_end()
        except BaseException as error:
            self.errors.append(error)

    async def _run(self, url: str) -> None:
        recordings = [read_wav(question.wav) for question in read_demo_questions()]
        for number in range(self.rounds):
            chosen = [
                recordings[(number + each) % len(recordings)] for each in range(self.sessions)
            ]
            asked = (ask_once(url, each.samples, each.rate_hz) for each in chosen)
            self.answered += len(await asyncio.gather(*asked))
            if number == 0:
                self.on_warm()


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile, print the heads, write the files. Returns 1 when the load was not answered."""
    parser = argparse.ArgumentParser(prog="benchmarks.profile_load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parsed = parser.parse_args(arguments)
    OUT_DIR.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        settings = replace(
            load_settings().settings, port=0, offline=True, data_dir=Path(folder), token=""
        )
        loads = [Load(parsed.sessions, parsed.rounds) for _ in range(2)]
        profile_cpu(settings, loads[0], OUT_DIR)
        profile_memory(settings, loads[1], OUT_DIR)
    for load in loads:
        for error in load.errors:
            print(f"profile: the load failed: {type(error).__name__}: {error}")
    print(f"{loads[0].answered} turns profiled for CPU, {loads[1].answered} for memory.")
    return 1 if any(load.errors for load in loads) else 0


def profile_cpu(settings: Settings, load: Load, folder: Path) -> None:
    """Write profile-cpu.txt, and profile-cpu.pstats for other tools."""
    profile = cProfile.Profile()
    threads: list[tuple[str, float]] = []
    load.on_end = lambda: threads.extend(cpu_by_thread())
    profile.runcall(_serve, settings, load)
    profile.dump_stats(folder / "profile-cpu.pstats")
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(SHOWN_ROWS)
    rows = [("thread", "CPU s"), *((name, f"{seconds:.2f}") for name, seconds in threads)]
    by_thread = table(rows)
    (folder / "profile-cpu.txt").write_text(f"{by_thread}\n\nThe event loop:\n{text.getvalue()}")
    print(f"{by_thread}\n")


def profile_memory(settings: Settings, load: Load, folder: Path) -> None:
    """Write profile-memory.txt: what Python holds at the end, and what grew after the first round.

    Memory of native libraries (models, FAISS) is not in it: tracemalloc sees Python and NumPy.
    """
    snapshots: list[tracemalloc.Snapshot] = []
    load.on_warm = lambda: snapshots.append(tracemalloc.take_snapshot())
    load.on_end = load.on_warm
    tracemalloc.start(FRAMES_KEPT)
    try:
        _serve(settings, load)
        held_bytes, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    told = f"{held_bytes >> 10} KB after the stop, {peak_bytes >> 10} KB at the peak."
    lines = [f"Python and NumPy held {told}"]
    if len(snapshots) == 2:
        warm, ended = snapshots
        grown = ended.compare_to(warm, "lineno")
        total_kb = sum(each.size_diff for each in grown) / 1024
        lines += [f"It grew by {total_kb:.0f} KB from the first round to the last.", ""]
        lines += ["Grown since the first round:", *map(str, grown[:SHOWN_ROWS]), ""]
        lines += ["Held at the end:", *map(str, ended.statistics("lineno")[:SHOWN_ROWS])]
    (folder / "profile-memory.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines[:2]))


def cpu_by_thread() -> list[tuple[str, float]]:
    """Return name and CPU seconds of each thread that runs now, the busiest first.

    Threads that native libraries began have no name.
    """
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    used = [
        (names.get(thread.id, "native"), thread.user_time + thread.system_time)
        for thread in psutil.Process().threads()
    ]
    return sorted(used, key=lambda pair: -pair[1])


def _serve(settings: Settings, load: Load) -> None:
    """Run a server on this thread while the load runs on another; then stop it."""
    app = App(settings, lambda text: None, with_samples=True)
    clients: list[threading.Thread] = []

    def ask(port: int) -> None:
        load.run(f"ws://127.0.0.1:{port}/ws")
        app.stop_soon()

    def on_ready(port: int) -> None:
        clients.append(threading.Thread(target=ask, args=(port,), name="clients"))
        clients[0].start()

    asyncio.run(app.run(on_ready))
    for client in clients:
        client.join()


if __name__ == "__main__":
    raise SystemExit(main())
