"""Figures that a fault's test takes on its way; kept for docs/faults.md when that is asked for.

`pytest tests/faults --record-figures` writes benchmarks/results/faults.json. A time is valid on a
quiet machine only, so no test asserts one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.results import RESULTS_DIR, write_result

Figure = Callable[[str, float, str], None]
"""Called with what was measured, its value and its unit."""
NAME = "faults"
THOUSAND = 1000


@dataclass(slots=True)
class Figures:
    """What the tests of one run have measured."""

    by_row: dict[str, dict[str, str]] = field(default_factory=dict)
    _largest: dict[tuple[str, str], float] = field(default_factory=dict)

    def note(self, row: str, what: str, value: float, unit: str) -> None:
        """Keep one figure of a row; of several of one name the largest stays."""
        value = self._largest[row, what] = max(value, self._largest.get((row, what), value))
        shown = f"{value:.3g}" if value < THOUSAND else f"{value:,.0f}"
        self.by_row.setdefault(row, {})[what] = f"{shown} {unit}"

    def write(self) -> None:
        """Put them into the result, where those of rows that did not run stay."""
        path = RESULTS_DIR / f"{NAME}.json"
        kept = json.loads(path.read_text())["rows"] if path.is_file() else {}
        write_result(NAME, {"rows": dict(sorted({**kept, **self.by_row}.items()))})
