"""A slower run fails; noise does not, nor another machine. A question is compared with itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.regression import WITNESS, accept, differences, judge, median_ratio


def result(**changed: Any) -> dict[str, Any]:
    figures = {
        "machine": {"cores": 2},
        "engines": {"stt": "stand-in"},
        "sessions": 4,
        "voice_to_voice_ms": {"count": 3, "p50": 400.0, "p95": 600.0, "p99": 700.0},
        "questions_ms": {"short": 300.0, "middle": 400.0, "long": 700.0},
        "segments_sum_error_ms_max": 0.001,
        "longest_gap_ms": 0.0,
        "unanswered": 0,
    }
    return figures | changed


def judged(tmp_path: Path, now: dict[str, Any], before: dict[str, Any]) -> int:
    for folder, figures in (("now", now), ("before", before)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "load.json").write_text(json.dumps(figures))
    return judge("load", tmp_path / "now", tmp_path / "before")


def test_the_same_result_passes(tmp_path: Path) -> None:
    assert judged(tmp_path, result(), result()) == 0


def test_a_run_slower_at_every_question_fails(tmp_path: Path) -> None:
    slower = {name: 1.2 * value for name, value in result()["questions_ms"].items()}
    assert judged(tmp_path, result(questions_ms=slower), result()) == 1


def test_one_slow_question_of_three_passes(tmp_path: Path) -> None:
    now = result(questions_ms={"short": 900.0, "middle": 400.0, "long": 700.0})
    assert judged(tmp_path, now, result()) == 0


def test_other_questions_do_not_count_as_slower() -> None:
    """A run that asked the long one only is compared with the long one."""
    now = result(questions_ms={"long": 700.0, "other": 5000.0})
    assert median_ratio(now, result()) == 1.0


def test_without_questions_in_common_the_medians_are_compared() -> None:
    now = result(questions_ms={}, voice_to_voice_ms={"p50": 500.0, "p95": 600.0})
    assert median_ratio(now, result()) == pytest.approx(1.25)


@pytest.mark.parametrize(
    "changed",
    [
        {"voice_to_voice_ms": {"p50": 400.0, "p95": 900.0}},
        {"longest_gap_ms": 51.0},
        {"unanswered": 1},
        {"lost": 1},
        {"accuracy": {"missed_percent": 1.1}},
        {"accuracy": {"premature_percent": 3.1}},
        {"accuracy": {"false_barge_ins": 1}},
        {"segments_sum_error_ms_max": 5.1},
    ],
)
def test_each_bound_alone_fails(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert judged(tmp_path, result(**changed), result()) == 1


def test_another_machine_is_not_compared_but_bounds_of_its_own_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = {"machine": {"cores": 64}, "questions_ms": {"short": 9000.0}}
    assert judged(tmp_path, result(**elsewhere), result()) == 0
    assert "other machine" in capsys.readouterr().out
    assert judged(tmp_path, result(**elsewhere, longest_gap_ms=80.0), result()) == 1
    assert differences(result(engines={}), result()) == ["engines"]


@pytest.mark.parametrize(("times", "status"), [(1.9, 0), (2.1, 1)])
def test_a_faults_witness_has_a_bound_and_no_baseline(
    tmp_path: Path, times: float, status: int
) -> None:
    rows = {
        "01": {"session gone after": {"value": 6.5, "unit": "ms"}},
        "02": {WITNESS: {"value": times, "unit": "times as long as when all is quiet"}},
    }
    (tmp_path / "faults.json").write_text(json.dumps({"rows": rows}))
    assert judge("faults", tmp_path, tmp_path / "none") == status


def test_a_missing_baseline_is_said_and_accept_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, baselines = tmp_path / "results", tmp_path / "baselines"
    results.mkdir()
    assert accept("load", results, baselines) == 1
    (results / "load.json").write_text(json.dumps(result()))
    assert judge("load", results, baselines) == 0
    assert "is missing" in capsys.readouterr().out
    assert accept("load", results, baselines) == 0
    assert json.loads((baselines / "load.json").read_text()) == result()
