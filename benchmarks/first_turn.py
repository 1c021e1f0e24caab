"""What the first turn costs beside the following ones, stage by stage: time, CPU and page faults.

Calls the stand-in engines directly, one after the other, in threads as the server's. CPU and page
faults say what the warm-up at the start leaves to do, whatever else the machine does meanwhile.
`python -m benchmarks.first_turn [--json]`
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median
from typing import TypeVar

# As in server/cli.py: before any library that starts OpenMP threads is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.demo import SPEECH_DIR
from benchmarks.recorded_questions import lines_of
from benchmarks.results import table, write_result
from benchmarks.script import Script, ScriptLine, as_sent
from benchmarks.standin import STANDIN_DIR, load_standins
from models.espeak import EspeakLibrary
from models.speakable import speakable
from server.engines.knowledge import load_knowledge
from server.engines.preparation import ingest_samples_once, load_embedder, open_store
from server.engines.room import Engines
from server.settings import Settings, load_settings
from server.speaking.saying import pieces_of

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call, the library's own threads included."""

    wall_ms: float
    cpu_ms: float
    faults: int
    """Pages that had to be mapped, or read from disk."""


class Meter:
    """Runs each stage in a thread of its own, as the server does, and keeps what it cost."""

    def __init__(self) -> None:
        self.costs: dict[str, list[Cost]] = {}
        self._threads: dict[str, ThreadPoolExecutor] = {}

    def run(self, stage: str, work: Callable[[], Value]) -> Value:
        """Run and measure; nothing else may run in this process meanwhile."""
        thread = self._threads.setdefault(stage, ThreadPoolExecutor(1))
        before, started_at_s = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        value = thread.submit(work).result()
        wall_ms = (time.monotonic() - started_at_s) * 1000
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt
        self.costs.setdefault(stage, []).append(Cost(wall_ms, cpu_s * 1000, faults))
        return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.first_turn", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    data_dir = STANDIN_DIR / "data"
    settings = replace(load_settings().settings, offline=True, data_dir=data_dir)
    lines = lines_of(sorted(SPEECH_DIR.glob("*.wav")))
    meter = Meter()
    engines = _load(settings, lines)
    for line in lines:
        _take_turn(meter, engines, line, settings)
    figures = {stage: dict(_compare(costs)) for stage, costs in meter.costs.items()}
    rows = [(stage, *told.values()) for stage, told in figures.items()]
    print(table([("first, then median", *next(iter(figures.values()))), *rows]))
    write_result("first_turn", {"stages": figures})
    if parsed.json:
        print(json.dumps(figures))
    return 0


def _load(settings: Settings, lines: Sequence[ScriptLine]) -> Engines:
    embedder = load_embedder(settings, print)
    store = open_store(settings, embedder)
    ingest_samples_once(store, embedder, print)
    script = Script([(as_sent(line.wav), line.text) for line in lines])
    speech = load_standins(script, settings, None, EspeakLibrary())
    known = load_knowledge(store, embedder, settings.refusal_confidence)
    return Engines(speech.recognizer, speech.synthesizer, embedder, known, speech.notes)


def _compare(costs: Sequence[Cost]) -> Iterator[tuple[str, float]]:
    for name in ("wall_ms", "cpu_ms", "faults"):
        first, *others = (getattr(cost, name) for cost in costs)
        yield f"{name}_first", round(first, 1)
        yield f"{name}_later", round(median(others), 1)


def _take_turn(meter: Meter, engines: Engines, line: ScriptLine, settings: Settings) -> None:
    samples = as_sent(line.wav)
    meter.run("stt", lambda: engines.recognizer.recognise(samples))
    (vector,) = meter.run("embed", lambda: engines.embedder.embed([line.text]))
    known = engines.knowledge
    found = meter.run(
        "search", lambda: known.retriever.search(line.text, vector, settings.search_hits)
    )
    answer = meter.run("answer", lambda: known.answerer.answer(found))
    first = pieces_of(answer.text, settings.answer_maximum_characters)[0]
    meter.run("tts", lambda: engines.synthesizer.synthesise(speakable(first)))


if __name__ == "__main__":
    raise SystemExit(main())
