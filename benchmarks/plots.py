"""Draws what benchmarks.index and benchmarks.retrieval measured, as pages with plots.

python -m benchmarks.plots [FOLDER], from the committed results; both benchmarks do it themselves.
It measures nothing.
"""

import argparse
import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import COLOURS, STYLE
from benchmarks.results import OUT_DIR, RESULTS_DIR

WIDTH, HEIGHT = 640, 260
LEFT, BOTTOM, TOP = 60, 40, 24
BAR = 14
HITS = ("hit_at_1", "hit_at_3", "hit_at_5", "mrr_at_10")


@dataclass(frozen=True, slots=True)
class Line:
    """One measure over the sizes; `goal` is what the design asks for there, if anything."""

    name: str
    points: Mapping[int, float]
    goal: Mapping[int, float]


SEARCH_GOAL_MS: Mapping[int, float] = {10_000: 1.0, 100_000: 2.0, 1_000_000: 5.0}
RECALL_GOAL = 0.97


def index_page(figures: Mapping[str, Any]) -> str:
    """Recall, latency, build and memory over the size, from index.json."""
    runs: Sequence[Mapping[str, Any]] = figures.get("runs", [])

    def points(key: str) -> dict[int, float]:
        return {int(run["size"]): float(run[key]) for run in runs if key in run}

    lines = (
        Line(
            "recall@10", points("recall_at_10"), dict.fromkeys(points("recall_at_10"), RECALL_GOAL)
        ),
        Line("p50, milliseconds", points("p50_ms"), {}),
        Line("p95, milliseconds", points("p95_ms"), SEARCH_GOAL_MS),
        Line("p95 of processor time, milliseconds", points("cpu_p95_ms"), SEARCH_GOAL_MS),
        Line("build, CPU-seconds", points("build_cpu_s"), {}),
        Line("memory, MB", points("memory_mb"), {1_000_000: 600.0}),
    )
    kinds = "; ".join(f"{run['size']:,}: {run.get('factory', run['kind'])}" for run in runs)
    drawn = "".join(f"<h2>{html.escape(line.name)}</h2>{line_plot(line)}" for line in lines)
    note = f"<p>{html.escape(str(figures.get('beside', '')))}</p>"
    return _page("Parley: the index over its size", f"<p>{html.escape(kinds)}</p>{note}{drawn}")


def retrieval_page(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Hits of the whole and of its parts, and the times, for each corpus of retrieval.json."""
    sections = []
    for corpus, figures in kept.items():
        parts = {"the whole": figures, **figures.get("parts", {})}
        hits = {
            name: {key: part[key] for key in HITS if key in part} for name, part in parts.items()
        }
        keys = ("whole_cpu_ms", "search_cpu_ms", "query_ms")
        whole: Mapping[str, float] = next((figures[key] for key in keys if key in figures), {})
        times = {"the whole": whole, **figures.get("parts_cpu_ms", {})}
        spent = {
            name: {key: part[key] for key in ("p50", "p95") if key in part}
            for name, part in times.items()
        }
        sections.append(
            f"<h2>{html.escape(corpus)}</h2>{bar_plot(hits, 1.0)}<p>milliseconds</p>"
            + bar_plot(spent, max((v for part in spent.values() for v in part.values()), default=1))
        )
    return _page("Parley: retrieval", "".join(sections))


def line_plot(line: Line) -> str:
    """An SVG over the size, on a logarithmic axis; the goals are hollow."""
    if not line.points:
        return "<p>Not measured.</p>"
    sizes = [math.log10(max(1, size)) for size in line.points]
    highest = 1.1 * max(*line.points.values(), *line.goal.values(), 1e-9)

    def place(size: int, value: float) -> tuple[float, float]:
        span = (max(sizes) - min(sizes)) or 1.0
        across = (math.log10(max(1, size)) - min(sizes)) / span
        x = LEFT + across * (WIDTH - LEFT - 50)
        return x, TOP + (1 - value / highest) * (HEIGHT - TOP - BOTTOM)

    path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line.points.items())
    drawn = [f'<polyline points="{path}" fill="none" stroke="{COLOURS[0]}" stroke-width="2"/>']
    for size, value in line.points.items():
        x, y = place(size, value)
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[0]}"/>')
        drawn.append(_text(x, y - 8, f"{value:g}"))
        drawn.append(_text(x, HEIGHT - 14, f"{size:,}"))
    for size, value in line.goal.items():
        if size in line.points:
            x, y = place(size, value)
            circle = f'cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="{COLOURS[3]}"'
            drawn.append(f"<circle {circle}><title>asked for: {value:g}</title></circle>")
    return _svg(HEIGHT, drawn)


def bar_plot(groups: Mapping[str, Mapping[str, float]], most: float) -> str:
    """An SVG with a bar for each figure of each group, on one scale that ends at `most`."""
    drawn, top = [], 4.0
    for name, figures in groups.items():
        drawn.append(_text(0, top + BAR, name, "start"))
        for number, (key, value) in enumerate(figures.items()):
            top += BAR + 4 if number else 0
            length = (WIDTH - 320) * value / (most or 1.0)
            shape = f'x="150" y="{top:.0f}" width="{length:.1f}" height="{BAR}"'
            drawn.append(f'<rect {shape} fill="{COLOURS[number % len(COLOURS)]}"/>')
            drawn.append(_text(155 + length, top + BAR - 2, f"{value:.3f} {key}", "start"))
        top += BAR + 14
    return _svg(top, drawn)


def write_pages(folder: Path = OUT_DIR, results: Path = RESULTS_DIR) -> list[Path]:
    """Write a page for each result that is there, and say which."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, page in (("index", index_page), ("retrieval", retrieval_page)):
        kept = results / f"{name}.json"
        if kept.is_file():
            path = folder / f"{name}.html"
            path.write_text(page(json.loads(kept.read_text(encoding="utf-8"))), encoding="utf-8")
            written.append(path)
    return written


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12"'
    return f"<text {place}>{html.escape(text)}</text>"


def _svg(height: float, drawn: Sequence[str]) -> str:
    return f'<svg width="{WIDTH}" height="{height:.0f}" role="img">{"".join(drawn)}</svg>'


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>{body or '<p>No results yet.</p>'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages and say where."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plots", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=OUT_DIR)
    for path in write_pages(parser.parse_args(arguments).folder):
        print(f"The plots are in {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
