"""Takes away, one by one, what protects against the faults, and expects their tests to fail.

`python -m benchmarks.fault_mutations [--row N ...] [--jobs N]`: each mutation of
tests/faults/mutations.toml is made in a copy of the checkout, in which its test then runs. First
the tests run on a copy that is as it was: a test that fails there proves nothing. The run
keeps what was seen in benchmarks/results/fault-mutations.json, which docs/faults.md tells of; a run
of some rows keeps the others' as they were.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as Xml
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import RESULTS_DIR, table, write_result

ROOT = Path(__file__).resolve().parent.parent
MUTATIONS = ROOT / "tests" / "faults" / "mutations.toml"
NAME = "fault-mutations"
LIMIT_S = 200
"""For one test file; within it pytest ends each test after 60 s."""
CONTROL_LIMIT_S = 1800
KEPT_CHARACTERS = 160
SHOWN_CHARACTERS = 70


class StaleMutation(Exception):
    """What a mutation replaces does not stand in the code, or more than once."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of the code, by which a row's promise is broken."""

    row: int
    name: str
    """What is missing then: begins with "without" or "with"."""
    file: str
    old: str
    new: str
    test: str
    """What fails then: a file of tests/faults, or one test of it."""

    also: Sequence[Sequence[str]] = ()
    """File, old and new of what is changed too, where one promise is kept by two means."""

    def applied(self, root: Path) -> dict[str, str]:
        """Return the changed files' texts. Raises StaleMutation."""
        changes = [(self.file, self.old, self.new), *map(tuple, self.also)]
        texts: dict[str, str] = {}
        for file, old, new in changes:
            text = texts.get(file) or (root / file).read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise StaleMutation(f"{self.key}: {text.count(old)} times in {file}")
            texts[file] = text.replace(old, new)
        return texts

    @property
    def key(self) -> str:
        """What its outcome is kept under."""
        return f"{self.row}: {self.name}"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of pytest came to. Without a report it did not get to its tests' end."""

    code: int
    told: str
    failures: tuple[str, ...] = ()
    """What failed, and why; no errors of set-up are among them."""
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutation's test; `failure` is empty when it did not fail."""

    mutation: Mutation
    failure: str
    told: str
    """The end of what pytest said."""


def read_mutations(path: Path = MUTATIONS) -> list[Mutation]:
    """Return all, in the file's order."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Mutation(**each) for each in told["mutation"]]


def kept_outcomes() -> dict[str, str]:
    """Return how each was last seen to fail, by key; nothing where no run was kept."""
    path = RESULTS_DIR / f"{NAME}.json"
    if not path.is_file():
        return {}
    seen: dict[str, str] = json.loads(path.read_text())["seen"]
    return seen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, or those of some rows. Returns 1 when a mutation was not seen by its test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", type=int, action="append", help="of this row only")
    parser.add_argument("--jobs", type=int, default=1, help="copies to work in at once")
    asked = parser.parse_args(arguments)
    mutations = [each for each in read_mutations() if not asked.row or each.row in asked.row]
    for each in mutations:
        each.applied(ROOT)
    started_s = time.monotonic()
    outcomes = asyncio.run(prove(mutations, asked.jobs))
    print(table([(each.mutation.row, each.mutation.name, _shown(each)) for each in outcomes]))
    survivors = [each for each in outcomes if not each.failure]
    for unseen in survivors:
        print(f"\n{unseen.mutation.key}: {unseen.mutation.test} did not fail\n{unseen.told}")
    minutes = (time.monotonic() - started_s) / 60
    seen = len(outcomes) - len(survivors)
    print(f"\n{seen} of {len(outcomes)} mutations seen by their tests, in {minutes:.0f} minutes")
    keep(outcomes)
    return 1 if survivors else 0


def keep(outcomes: Iterable[Outcome]) -> None:
    """Write how they failed; what is no longer a mutation, or was not seen now, is taken out."""
    seen = kept_outcomes() | {each.mutation.key: each.failure for each in outcomes}
    known = (each.key for each in read_mutations())
    write_result(NAME, {"seen": {key: seen[key] for key in known if seen.get(key)}})


async def prove(mutations: Sequence[Mutation], jobs: int) -> list[Outcome]:
    """Run every mutation's test in copies of the tree. Raises RuntimeError by the control."""
    waiting = list(enumerate(mutations))
    found: dict[int, Outcome] = {}

    async def work(folder: Path) -> None:
        copy_tree(folder)
        while waiting:
            place, mutation = waiting.pop(0)
            found[place] = await outcome_of(mutation, folder)
            print(f"{mutation.row:>2}  {mutation.name}: {_shown(found[place])}", flush=True)

    with tempfile.TemporaryDirectory(prefix="parley-mutations-") as name:
        control = Path(name) / "control"
        copy_tree(control)
        await check_control(mutations, control)
        async with asyncio.TaskGroup() as group:
            for number in range(jobs):
                group.create_task(work(Path(name) / str(number)))
    return [found[place] for place in sorted(found)]


async def check_control(mutations: Iterable[Mutation], folder: Path) -> None:
    """Run the tests where nothing is missing. Raises RuntimeError when one fails or is skipped."""
    tests = sorted({each.test for each in mutations})
    print(f"The control: {len(tests)} tests and files as they are", flush=True)
    run = await pytest(folder, tests, CONTROL_LIMIT_S)
    if run.code != 0 or run.skipped:
        raise RuntimeError(f"the tests do not pass where nothing is missing\n{run.told[-3000:]}")


async def outcome_of(mutation: Mutation, folder: Path) -> Outcome:
    """Make the change, run the test, and put back what was."""
    changed = mutation.applied(folder)
    before = {file: (folder / file).read_bytes() for file in changed}
    for file, text in changed.items():
        (folder / file).write_text(text, encoding="utf-8")
    try:
        run = await pytest(folder, ["-x", mutation.test], LIMIT_S)
    finally:
        for file, content in before.items():
            (folder / file).write_bytes(content)
    return Outcome(mutation, next(iter(run.failures), ""), run.told[-3000:])


async def pytest(folder: Path, arguments: Sequence[str], limit_s: float) -> Run:
    """Run these tests; code 124 when it took too long."""
    tests = [each if each.startswith("-") else f"tests/faults/{each}" for each in arguments]
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    options = ("-q", "--tb=short", "-p", "no:cacheprovider", f"--junitxml={report}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-B", "-m", "pytest", *options, *tests),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(limit_s):
            said, _ = await process.communicate()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        said, _ = await process.communicate()
        return Run(124, said.decode("utf-8", "replace"))
    return read_report(report, process.returncode or 0, said.decode("utf-8", "replace"))


def read_report(report: Path, code: int, told: str) -> Run:
    """Return what the report of a run tells: of an error of set-up nothing was seen."""
    if not report.is_file():
        return Run(code, told)
    cases = list(Xml.parse(report).getroot().iter("testcase"))
    failures = tuple(
        f"{case.get('name')}: {' '.join((failure.get('message') or '').split())}"[:KEPT_CHARACTERS]
        for case in cases
        for failure in case.findall("failure")
    )
    return Run(code, told, failures, sum(len(case.findall("skipped")) for case in cases))


def copy_tree(folder: Path) -> None:
    """Copy what git knows or would take of the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _shown(outcome: Outcome) -> str:
    return outcome.failure[:SHOWN_CHARACTERS] or "NOT SEEN"


if __name__ == "__main__":
    raise SystemExit(main())
