"""Writes one page from the latest results: tables, and segments as bars. Measures nothing.

`python -m benchmarks.report [OUT.html]`
"""

import argparse
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import OUT_DIR, RESULTS_DIR

NAMES = ("latency", "latency-stand-in", "load-4", "load-8", "load-24", "silent_session", "peer")
KEYS = ("count", "p50", "p95", "p99")
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#eeca3b")
BAR_WIDTH = 720
BAR_HEIGHT = 28
LABEL_WIDTH = 170
COMPARED_WIDTH = BAR_WIDTH - LABEL_WIDTH + 50
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2rem auto; padding: 0 1rem }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: start; margin: 1rem 0 }
.wide { overflow-x: auto }
svg { margin-top: .8rem } h2 { border-top: 1px solid #ccc; padding-top: 1rem }
tr + tr td { border-top: 1px solid #eee }
table { border-collapse: collapse } td, th { padding: .15rem .8rem; text-align: right }
td:first-child, th:first-child { text-align: left } .mark { display: inline-block; width: .8em }
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and say where."""
    parser = argparse.ArgumentParser(prog="benchmarks.report", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=OUT_DIR / "report.html")
    out: Path = parser.parse_args(arguments).out
    found = {
        name: json.loads(path.read_text())
        for name in NAMES
        if (path := RESULTS_DIR / f"{name}.json").is_file()
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(found), encoding="utf-8")
    print(f"The report is in {out}")
    return 0


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the whole page for results by their benchmark's name."""
    sections = "".join(_section(name, figures) for name, figures in results.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Parley: measured</title>'
        f"<style>{STYLE}</style><h1>Parley: measured</h1>{sections or '<p>No results yet.</p>'}"
    )


def _section(name: str, figures: Mapping[str, Any]) -> str:
    engines = [f"{job}: {engine}" for job, engine in figures.get("engines", {}).items()]
    machine = [f"{key}: {value}" for key, value in figures.get("machine", {}).items()]
    times = {
        key: value for key, value in figures.items() if key.endswith("_ms") and _is_times(value)
    }
    segments = figures.get("segments", {})
    return (
        f"<h2>{html.escape(name)}</h2><p>{html.escape('; '.join([*engines, *machine]))}</p>"
        + _table({**times, **segments})
        + bars(segments)
        + compared(figures.get("runs", ()))
        + '<div class="facts">'
        + "".join(_facts(title, facts) for title, facts in _groups(figures).items() if facts)
        + "</div>"
    )


def _groups(figures: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Everything that is no time, by what it is about; what is in no other group is of the run."""
    known: dict[str, Mapping[str, Any]] = {
        "Accuracy": figures.get("accuracy", {}),
        "Answers, seconds": figures.get("answer_s", {}),
        "Cores": {
            key.removesuffix("_cores").replace("_", " "): value
            for key, value in figures.items()
            if key.endswith("_cores")
        },
        "Setups": figures.get("setups", {}),
        "Versions": figures.get("versions", {}),
        "Outcomes": figures.get("outcomes", {}) | figures.get("degraded_steps", {}),
    }
    costs = {
        f"Percent of a core, {key.replace('_', ' ')}": value
        for key, value in figures.items()
        if isinstance(value, Mapping) and "total_percent" in value
    }
    run = {
        key: value
        for key, value in figures.items()
        if isinstance(value, int | float | str) and not key.endswith("_cores")
    }
    return known | costs | {"Run": run}


def _facts(title: str, facts: Mapping[str, Any]) -> str:
    rows = "".join(_row([key, "none" if told is None else told]) for key, told in facts.items())
    return f'<table><tr><th colspan="2">{html.escape(title)}</th></tr>{rows}</table>'


def _is_times(value: object) -> bool:
    return isinstance(value, Mapping) and set(KEYS) <= value.keys()


def _table(rows: Mapping[str, Mapping[str, float]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{title}</th>" for title in ("milliseconds", *KEYS))
    body = "".join(_row([name, *(told[key] for key in KEYS)]) for name, told in rows.items())
    return f"<table><tr>{head}</tr>{body}</table>"


def _row(cells: Iterable[object]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


def bars(segments: Mapping[str, Mapping[str, float]]) -> str:
    """Return an SVG with the segments end to end, one bar of p50 and one of p95, on one scale."""
    longest = max(
        (sum(told[key] for told in segments.values()) for key in ("p50", "p95")), default=0
    )
    if not longest:
        return ""
    drawn = "".join(
        _bar([told[key] for told in segments.values()], number, BAR_WIDTH / longest, key)
        for number, key in enumerate(("p50", "p95"))
    )
    legend = " ".join(
        f'<span class="mark" style="background:{COLOURS[number % len(COLOURS)]}">&nbsp;</span> '
        f"{html.escape(name)}"
        for number, name in enumerate(segments)
    )
    size = f'width="{BAR_WIDTH + 50}" height="{2 * BAR_HEIGHT + 8}"'
    return f'<svg {size} role="img">{drawn}</svg><p>{legend}</p>'


def compared(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return each run's figures as a table, and p50 (full) with p95 (pale) as bars on one scale."""
    times = [run["voice_to_voice_ms"] for run in runs]
    longest = max((told["p95"] for told in times), default=0)
    if not longest:
        return ""
    plain = [key for key, value in runs[0].items() if isinstance(value, int | float | str)]
    head = "".join(f"<th>{html.escape(key)}</th>" for key in (*plain, *KEYS))
    rows = "".join(
        _row([*(run[key] for key in plain), *(told[key] for key in KEYS)])
        for run, told in zip(runs, times, strict=True)
    )
    colours = dict(zip(dict.fromkeys(run["name"] for run in runs), COLOURS, strict=False))
    drawn = "".join(
        _compared_bar(run, number, COMPARED_WIDTH / longest, colours[run["name"]])
        for number, run in enumerate(runs)
    )
    size = f'width="{COMPARED_WIDTH + LABEL_WIDTH}" height="{len(runs) * (BAR_HEIGHT + 4)}"'
    return (
        f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'
        f'<svg {size} role="img">{drawn}</svg><p>Voice to voice: p50 (full) and p95 (pale), ms</p>'
    )


def _compared_bar(run: Mapping[str, Any], number: int, scale: float, colour: str) -> str:
    top, told = number * (BAR_HEIGHT + 4), run["voice_to_voice_ms"]
    title = html.escape(f"{run['sessions']} × {run['name']}")
    place = f'x="{LABEL_WIDTH}" y="{top}" height="{BAR_HEIGHT}"'
    return (
        f'<text x="0" y="{top + 19}">{title}</text>'
        f'<rect {place} width="{told["p95"] * scale:.1f}" fill="{colour}" opacity="0.35"/>'
        f'<rect {place} width="{told["p50"] * scale:.1f}" fill="{colour}"/>'
        f'<text x="{LABEL_WIDTH + 6}" y="{top + 19}">{told["p50"]} / {told["p95"]}</text>'
    )


def _bar(lengths: Sequence[float], number: int, scale: float, title: str) -> str:
    top, left = number * (BAR_HEIGHT + 4), 40.0
    parts = [f'<text x="0" y="{top + 19}">{title}</text>']
    for index, length in enumerate(lengths):
        colour = COLOURS[index % len(COLOURS)]
        place = f'x="{left:.1f}" y="{top}" width="{length * scale:.1f}" height="{BAR_HEIGHT}"'
        parts.append(f'<rect {place} fill="{colour}"/>')
        left += length * scale
    return "".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
