"""Compares a benchmark's result with the committed baseline, by ratio; it measures nothing.

`python -m benchmarks.regression [NAME...] [--accept]`: results/NAME.json against
baselines/NAME.json; exit status 1 when a bound is passed. --accept makes the results the baselines.
`faults` has no baseline: what `make faults` keeps of each row's witness has a bound of its own.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.results import RESULTS_DIR, table

BASELINES_DIR = RESULTS_DIR.parent / "baselines"
NAMES = ("latency-stand-in", "load-4", "load-8", "load-24")
MEDIAN_BOUND = 1.15
"""Of the paired ratios: the same questions on the same machine differ by some 5% between runs."""
TAIL_BOUND = 1.4
"""Of p95, which a short run takes from two or three turns."""
SUM_ERROR_BOUND_MS = 5.0
GAP_BOUND_MS = 50.0
ACCURACY_BOUNDS = {"premature_percent": 3.0, "missed_percent": 1.0, "false_barge_ins": 0}
WITNESS, WITNESS_BOUND = "the witness waits", 2.0
"""Times as long as when all is quiet, in results/faults.json."""
ALIKE = ("machine", "engines", "sessions", "every_s")
"""What must be the same, or a ratio says nothing about the code."""

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One compared value; `bound` is the largest that passes."""

    name: str
    value: float
    bound: float

    @property
    def is_passed(self) -> bool:
        """Whether the value keeps its bound."""
        return self.value <= self.bound


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print, and return 0, or 1 when a bound is passed."""
    parser = argparse.ArgumentParser(prog="benchmarks.regression", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--accept", action="store_true", help="make the results the baselines")
    parsed = parser.parse_args(arguments)
    handle = accept if parsed.accept else judge
    return max(handle(name) for name in parsed.names)


def accept(name: str, results: Path = RESULTS_DIR, baselines: Path = BASELINES_DIR) -> int:
    """Copy a result over its baseline. Returns 0, or 1 when there is no result."""
    if not (results / f"{name}.json").is_file():
        print(f"{name}: no result to accept; `make bench` takes one", file=sys.stderr)
        return 1
    baselines.mkdir(exist_ok=True)
    shutil.copyfile(results / f"{name}.json", baselines / f"{name}.json")
    print(f"{name}: the result is the baseline now")
    return 0


def judge(name: str, results: Path = RESULTS_DIR, baselines: Path = BASELINES_DIR) -> int:
    """Print one comparison. Returns 0 when it passes or cannot be made, else 1."""
    try:
        now = json.loads((results / f"{name}.json").read_text())
        checks = witness_checks(now) if "rows" in now else _all_checks(name, now, baselines)
    except FileNotFoundError as error:
        print(f"{name}: not compared, {error.filename} is missing")
        return 0
    _show(name, checks)
    return 0 if all(check.is_passed for check in checks) else 1


def _all_checks(name: str, now: Figures, baselines: Path) -> list[Check]:
    before = json.loads((baselines / f"{name}.json").read_text())
    if different := differences(now, before):
        print(f"{name}: not compared with the baseline: other {', '.join(different)}")
        return absolute_checks(now)
    return [*ratio_checks(now, before), *absolute_checks(now)]


def witness_checks(now: Figures) -> list[Check]:
    """Compare how much longer somebody else waits while each fault happens: it has no baseline."""
    return [
        Check(f"row {row}, {WITNESS}", figures[WITNESS]["value"], WITNESS_BOUND)
        for row, figures in now["rows"].items()
        if WITNESS in figures
    ]


def differences(now: Figures, before: Figures) -> list[str]:
    """Return what makes two results incomparable, e.g. another machine."""
    return [key for key in ALIKE if now.get(key) != before.get(key)]


def ratio_checks(now: Figures, before: Figures) -> list[Check]:
    """Compare times: paired by question where both results have the same, and at p95."""
    tail = _ratio(now["voice_to_voice_ms"]["p95"], before["voice_to_voice_ms"]["p95"])
    return [
        Check("median ratio", round(median_ratio(now, before), 3), MEDIAN_BOUND),
        Check("p95 ratio", round(tail, 3), TAIL_BOUND),
    ]


def median_ratio(now: Figures, before: Figures) -> float:
    """Return the median of the ratios of each question that both asked; of p50 without any.

    Pairing takes out that questions and their answers differ far more than two runs do.
    """
    mine, theirs = now.get("questions_ms", {}), before.get("questions_ms", {})
    if shared := mine.keys() & theirs.keys():
        return median(_ratio(mine[question], theirs[question]) for question in shared)
    return _ratio(now["voice_to_voice_ms"]["p50"], before["voice_to_voice_ms"]["p50"])


def _ratio(now: float, before: float) -> float:
    return now / before if before > 0 else float("inf") if now > 0 else 1.0


def absolute_checks(now: Figures) -> list[Check]:
    """Compare what has a bound of its own, whatever the machine."""
    checks = [
        Check("segments' sum, error in ms", now["segments_sum_error_ms_max"], SUM_ERROR_BOUND_MS)
    ]
    if "longest_gap_ms" in now:
        checks.append(Check("longest gap in ms", now["longest_gap_ms"], GAP_BOUND_MS))
    accuracy = now.get("accuracy", {})
    checks += [
        Check(key, accuracy[key], bound)
        for key, bound in ACCURACY_BOUNDS.items()
        if key in accuracy
    ]
    nothing = ("unanswered", "refused", "lost")
    return [*checks, *(Check(key, now[key], 0) for key in nothing if key in now)]


def _show(name: str, checks: Sequence[Check]) -> None:
    rows = [
        (check.name, check.value, check.bound, "" if check.is_passed else "FAILED")
        for check in checks
    ]
    print(table([(name, "now", "bound", ""), *rows]))


if __name__ == "__main__":
    raise SystemExit(main())
