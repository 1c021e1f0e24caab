"""benchmarks/plots.py: what was measured is drawn, and nothing of a file's text becomes markup."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from benchmarks.plots import Line, bar_plot, index_page, line_plot, retrieval_page, write_pages

RUN = {"kind": "IVF", "recall_at_10": 0.98, "p50_ms": 1.0, "p95_ms": 2.0, "cpu_p95_ms": 1.5}
RUNS = [{**RUN, "size": size, "build_cpu_s": 9.0, "memory_mb": 20.5} for size in (1_000, 100_000)]


def test_a_line_goes_through_its_points_from_left_to_right() -> None:
    """Every size and figure is written beside its point; a goal is marked where it was measured."""
    drawn = line_plot(Line("p95", {1_000: 1.0, 100_000: 3.0}, {100_000: 2.0, 10_000: 1.0}))
    picture = ElementTree.fromstring(drawn)
    points = picture.find("polyline").attrib["points"].split()  # type: ignore[union-attr]
    across = [float(point.split(",")[0]) for point in points]
    height = [float(point.split(",")[1]) for point in points]
    assert across == sorted(across)
    assert height[0] > height[1]
    assert {text.text for text in picture.findall("text")} == {"1", "3", "1,000", "100,000"}
    assert [circle.attrib["fill"] for circle in picture.findall("circle")].count("none") == 1


def test_a_bar_is_as_long_as_its_share() -> None:
    """On one scale for all groups."""
    drawn = ElementTree.fromstring(bar_plot({"a": {"x": 1.0, "y": 0.5}, "b": {"x": 0.25}}, 1.0))
    widths = [float(bar.attrib["width"]) for bar in drawn.findall("rect")]
    assert widths[1] == widths[0] / 2
    assert widths[2] == widths[0] / 4


def test_pages_show_every_corpus_and_size_as_text() -> None:
    """A corpus is named by a file, which may be called anything."""
    page = index_page({"runs": RUNS, "beside": "<b>"})
    assert "100,000" in page
    assert "&lt;b&gt;" in page
    figures = {"hit_at_1": 0.9, "query_ms": {"p50": 1.0, "p95": 2.0}, "parts": {"fts5": {}}}
    assert "&lt;script&gt;" in retrieval_page({"<script>": figures})


def test_pages_are_written_for_what_was_measured(tmp_path: Path) -> None:
    """Without results there is no page."""
    assert write_pages(tmp_path / "out", tmp_path) == []
    (tmp_path / "index.json").write_text(json.dumps({"runs": RUNS}))
    assert [path.name for path in write_pages(tmp_path / "out", tmp_path)] == ["index.html"]
    assert (tmp_path / "out" / "index.html").read_text().count("<svg") == 6
