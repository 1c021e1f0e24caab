"""The report is one page with every time, and it says where the figures are from."""

import re

from benchmarks.report import BAR_WIDTH, COMPARED_WIDTH, bars, page

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
    "accuracy": {"premature_percent": 6.2, "false_barge_ins": 1, "wer_percent": None},
    "answer_s": {"count": 4, "p50": 8.1, "p95": 9.9, "p99": 9.9, "mean": 7.7},
    "server_cores": 0.62,
    "outcomes": {"answered": 3, "cancelled": 1},
}


def test_every_time_and_the_engines_stand_in_the_page() -> None:
    written = page({"load": FIGURES})
    assert "<td>voice_to_voice_ms</td><td>4</td><td>400.0</td>" in written
    assert "<td>tts_first</td>" in written
    assert "stand-in &lt;base.en&gt;" in written
    assert "<td>sessions</td><td>4</td>" in written


def test_accuracy_cores_and_answers_stand_beside_the_times() -> None:
    """A rate that is not known is said to be none, not 0."""
    written = page({"load-4": FIGURES})
    assert "<td>premature_percent</td><td>6.2</td>" in written
    assert "<td>wer_percent</td><td>none</td>" in written
    assert "<td>server</td><td>0.62</td>" in written
    assert "<td>mean</td><td>7.7</td>" in written
    assert "<td>cancelled</td><td>1</td>" in written


def test_a_result_without_times_is_shown_too() -> None:
    silent = {"sessions": 1, "quiet_room": {"total_percent": 1.4, "turns": 0}}
    written = page({"silent_session": silent})
    assert "Percent of a core, quiet room" in written
    assert "<td>total_percent</td><td>1.4</td>" in written
    assert "milliseconds" not in written


def test_bars_lie_end_to_end_and_the_longest_fills_the_width() -> None:
    found = re.findall(r'x="([\d.]+)" y="32" width="([\d.]+)"', bars(SEGMENTS))
    (first_x, first_width), (second_x, second_width) = [(float(x), float(w)) for x, w in found]
    assert second_x == first_x + first_width
    assert first_width + second_width == BAR_WIDTH


def test_without_results_or_segments_there_is_still_a_page() -> None:
    assert "No results yet" in page({})
    assert bars({}) == ""


def test_sides_of_a_comparison_stand_on_one_scale() -> None:
    """Each side keeps its colour; the pale bar is p95, the full one p50, and both are told."""
    runs = [
        {
            "name": name,
            "sessions": sessions,
            "refused": 0,
            "voice_to_voice_ms": TIMES | {"p95": p95},
        }
        for name, sessions, p95 in (("parley", 1, 600.0), ("peer", 1, 1200.0), ("parley", 4, 800.0))
    ]
    written = page({"peer": {"runs": runs, "versions": {"numpy": "2.4.6"}}})
    assert "<th>refused</th>" in written
    assert "<td>numpy</td><td>2.4.6</td>" in written
    assert "<td>peer</td><td>1</td><td>0</td><td>4</td><td>400.0</td><td>1200.0</td>" in written
    pale = re.findall(r'width="([\d.]+)" fill="(#\w+)" opacity', written)
    assert [float(width) for width, _ in pale] == [
        COMPARED_WIDTH / 2,
        COMPARED_WIDTH,
        COMPARED_WIDTH * 2 / 3,
    ]
    assert pale[0][1] == pale[2][1] != pale[1][1]
    assert "1 × peer" in written
