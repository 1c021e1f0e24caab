"""Writes docs/faults.md from the tests of tests/faults: what is promised, by which test, seen how.

`python -m benchmarks.faults_page`. A test file's docstring begins "Row N: the fault" and tells
after "Seen to fail:" with which protection removed its tests failed; a test's docstring is its
promise, and the first one the row's unless it stands after "Promise:". Figures are those that
`pytest tests/faults --record-figures` has kept; the mutations are those of
tests/faults/mutations.toml, with what `python -m benchmarks.fault_mutations` has kept of them. It
runs no test.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fault_mutations import Mutation, kept_outcomes, read_mutations
from benchmarks.results import RESULTS_DIR

ROOT = Path(__file__).resolve().parent.parent
TESTS_DIR = ROOT / "tests" / "faults"
PAGE = ROOT / "docs" / "faults.md"
FIGURES = RESULTS_DIR / "faults.json"
ROWS = range(1, 41)
Figures = dict[str, dict[str, Any]]
"""What was measured, to its value and unit."""
THOUSAND = 1000
PROMISE, SEEN = "Promise:", "Seen to fail:"
HEAD = """# Faults survived

Made by `python -m benchmarks.faults_page` from the tests in `tests/faults`; a test fails when this
page is out of date. Every test runs the product on loopback with fakes for the models. Most keep a
witness: another client, who is answered while the fault happens; how much longer it waits for a
first sound than before is a figure of the row. `make mutations` takes away what protects, one
change of the code after the other, and expects the tests to fail. How to run Parley so that it
comes back: [operations](operations/README.md).

"""


@dataclass(frozen=True, slots=True)
class FaultFile:
    """One test file: a row, or a part of one."""

    path: Path
    row: int
    fault: str
    promise: str
    """Of the row: what the docstring tells after "Promise:", or its first test's promise."""
    seen: str
    """How the tests were seen to fail."""
    promises: dict[str, str]
    """Test name to what it proves."""


def main() -> int:
    """Write the page."""
    PAGE.write_text(whole_page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written")
    return 0


def whole_page() -> str:
    """Return the page as it is to be."""
    return page(fault_files(), kept_figures(), read_mutations(), kept_outcomes())


def fault_files() -> list[FaultFile]:
    """Return all, by row. Raises ValueError for a file whose docstring is of another form."""
    return sorted(
        (read_file(path) for path in TESTS_DIR.glob("test_[0-9][0-9]_*.py")),
        key=lambda one: (one.row, one.path.name),
    )


def read_file(path: Path) -> FaultFile:
    """Read one. Raises ValueError when the docstring names no row, or another than the file."""
    tree = ast.parse(path.read_text())
    told = " ".join((ast.get_docstring(tree) or "").split())
    head, _, seen = told.partition(SEEN)
    fault, _, promise = head.partition(PROMISE)
    found = re.match(r"Row (\d+): (.+)", fault)
    if found is None or int(found[1]) != int(path.name[5:7]):
        raise ValueError(f"{path.name}: the docstring begins with `Row N: the fault`")
    promises = {
        node.name: " ".join((ast.get_docstring(node) or "").split())
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }
    whole = promise.strip() or next(iter(promises.values()), "")
    return FaultFile(path, int(found[1]), found[2].strip(" ."), whole, seen.strip(), promises)


def kept_figures() -> dict[str, Figures]:
    """Return the figures by row, two digits; none where none were kept."""
    if not FIGURES.is_file():
        return {}
    rows: dict[str, Figures] = json.loads(FIGURES.read_text())["rows"]
    return rows


def page(
    files: list[FaultFile],
    figures: dict[str, Figures],
    mutations: list[Mutation],
    seen: dict[str, str],
) -> str:
    """Return the whole page: a table of all rows, then each file with all its tests."""
    rows = "".join(_row(files, figures, number) for number in ROWS)
    table = f"| # | fault | promise | figure |\n|---|---|---|---|\n{rows}"
    sections = "".join(_section(each) + _mutations(each, mutations, seen) for each in files)
    return HEAD + table + "\n## The tests\n" + sections


def _row(files: list[FaultFile], figures: dict[str, Figures], number: int) -> str:
    own = [each for each in files if each.row == number]
    if not own:
        return f"| {number} | no test | | |\n"
    first = max(own, key=lambda each: len(each.promises))
    measured = figures.get(f"{number:02d}", {}).items()
    told = "; ".join(f"{what}: {_shown(one['value'])} {one['unit']}" for what, one in measured)
    cells = (f"[{number}](#row-{number})", first.fault, first.promise, told)
    return "| " + " | ".join(_cell(each) for each in cells) + " |\n"


def _shown(value: float) -> str:
    return f"{value:g}" if value < THOUSAND else f"{value:,.0f}"


def _section(one: FaultFile) -> str:
    title = f'\n<a id="row-{one.row}"></a>\n### {one.row}. {_cell(one.fault)}\n\n'
    name = one.path.relative_to(ROOT)
    seen = f"was seen to fail: {one.seen}" if one.seen else "was not seen to fail."
    return title + f"[`{name}`](../{name}) {seen}\n\n" + "".join(_lines(one))


def _lines(one: FaultFile) -> Iterator[str]:
    for name, promise in one.promises.items():
        title = name.removeprefix("test_").replace("_", " ")
        yield f"- {title}: {_cell(promise)}\n"


def _mutations(one: FaultFile, mutations: list[Mutation], seen: dict[str, str]) -> str:
    """What is taken away to see this file's tests fail, and which one did."""
    own = [each for each in mutations if each.test.startswith(one.path.name)]
    if not own:
        return ""
    lines = (f"- {each.name} (`{each.file}`){_seen(seen.get(each.key))}\n" for each in own)
    return "\nFails, by `make mutations`:\n\n" + "".join(lines)


def _seen(failure: str | None) -> str:
    if failure is None:
        return ": not seen yet"
    test = failure.partition(":")[0]
    return f": {_cell(test.removeprefix('test_').replace('_', ' '))}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
