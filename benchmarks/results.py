"""Writes a benchmark's figures with the machine they were taken on to benchmarks/results/."""

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RESULTS_DIR = Path(__file__).resolve().parent / "results"
OUT_DIR = Path(__file__).resolve().parent / "out"
"""Made things that are not committed."""


def write_result(name: str, figures: Mapping[str, Any]) -> Path:
    """Write `name`.json and return its path."""
    RESULTS_DIR.mkdir(exist_ok=True)
    path = RESULTS_DIR / f"{name}.json"
    told = {"machine": machine(), "taken": time.strftime("%Y-%m-%d"), **figures}
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return path


def machine() -> dict[str, object]:
    """Return what a figure depends on."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """Return count, p50, p95 and p99, rounded to 0.1; zeros for nothing."""
    found = np.fromiter(values, float)
    if not len(found):
        return {"count": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0}
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(found, [50, 95, 99]))
    return {"count": len(found), "p50": p50, "p95": p95, "p99": p99}


def table(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as aligned columns; numbers stand right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]

    def aligned(cell: str, width: int) -> str:
        is_number = cell.replace(".", "").replace("-", "").replace("%", "").isdigit()
        return cell.rjust(width) if is_number else cell.ljust(width)

    return "\n".join(
        "  ".join(aligned(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
