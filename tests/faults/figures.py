"""Figures that a fault's test takes on its way; kept for docs/faults.md when that is asked for.

`pytest tests/faults --record-figures` writes benchmarks/results/faults.json. A time is valid on a
quiet machine only, so no test asserts one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.results import RESULTS_DIR, write_result

Figure = Callable[[str, float, str], None]
"""Called with what was measured, its value and its unit."""
NAME = "faults"


@dataclass(slots=True)
class Figures:
    """What the tests of one run have measured."""

    by_row: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Row, two digits, to what was measured to its value and unit."""

    def note(self, row: str, what: str, value: float, unit: str) -> None:
        """Keep one figure of a row; of several of one name the largest stays."""
        kept = self.by_row.setdefault(row, {})
        largest = max(value, kept[what]["value"]) if what in kept else value
        kept[what] = {"value": float(f"{largest:.3g}"), "unit": unit}

    def write(self) -> None:
        """Put them into the result, where those of rows that did not run stay."""
        path = RESULTS_DIR / f"{NAME}.json"
        kept = json.loads(path.read_text())["rows"] if path.is_file() else {}
        write_result(NAME, {"rows": dict(sorted({**kept, **self.by_row}.items()))})
