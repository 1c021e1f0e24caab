"""The report is one page with every time, and it says where the figures are from."""

import re

from benchmarks.report import BAR_WIDTH, bars, page

TIMES = {"count": 4, "p50": 400.0, "p95": 600.0, "p99": 700.0}
SEGMENTS = {
    "endpoint_wait": {"count": 4, "p50": 300.0, "p95": 500.0, "p99": 600.0},
    "tts_first": {"count": 4, "p50": 100.0, "p95": 300.0, "p99": 350.0},
}
FIGURES = {
    "machine": {"cores": 2},
    "engines": {"stt": "stand-in <base.en>"},
    "sessions": 4,
    "voice_to_voice_ms": TIMES,
    "questions_ms": {"a.wav": 300.0},
    "segments": SEGMENTS,
}


def test_every_time_and_the_engines_stand_in_the_page() -> None:
    written = page({"load": FIGURES})
    assert "<td>voice_to_voice_ms</td><td>4</td><td>400.0</td>" in written
    assert "<td>tts_first</td>" in written
    assert "stand-in &lt;base.en&gt;" in written
    assert "sessions: 4" in written


def test_bars_lie_end_to_end_and_the_longest_fills_the_width() -> None:
    found = re.findall(r'x="([\d.]+)" y="32" width="([\d.]+)"', bars(SEGMENTS))
    (first_x, first_width), (second_x, second_width) = [(float(x), float(w)) for x, w in found]
    assert second_x == first_x + first_width
    assert first_width + second_width == BAR_WIDTH


def test_without_results_or_segments_there_is_still_a_page() -> None:
    assert "No results yet" in page({})
    assert bars({}) == ""
