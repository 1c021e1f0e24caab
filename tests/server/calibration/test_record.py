"""server/calibration/record.py: what is kept comes back whole, and nothing else is taken for it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.calibration.record import (
    CalibrationDamaged,
    _cpu_model,
    read_calibration,
    save_calibration,
    this_machine,
)
from tests.server.calibrations import HEARS, MADE, SPEAKS, STT, TTS


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    """Equal to the last field, in a folder that did not exist, with no other file left."""
    path = tmp_path / "data" / "calibration.json"
    save_calibration(MADE, path)
    save_calibration(MADE, path)
    assert read_calibration(path) == MADE
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_no_calibration(tmp_path: Path) -> None:
    """Neither the file nor the folder need exist."""
    assert read_calibration(tmp_path / "none" / "calibration.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"format": 1}', "\udcff"])
def test_another_file_is_damaged(tmp_path: Path, text: str) -> None:
    """No guess is made, and the message names the file."""
    path = tmp_path / "calibration.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CalibrationDamaged, match=r"calibration\.json"):
        read_calibration(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update(format=2),
        lambda plain: plain["stages"][0].update(threads=0),
        lambda plain: plain["stages"][0].update(permits=65),
        lambda plain: plain["stages"][0].update(threads="two"),
        lambda plain: plain["stages"][0]["crop"].update(margin_frames=64),
        lambda plain: plain["stages"][0]["identity"].update(stage="answer"),
        lambda plain: plain["stages"][1].pop("loads"),
    ],
)
def test_values_that_no_setting_takes_are_damage(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    """A file changed by hand cannot start a server with 0 threads or a margin that loops."""
    path = tmp_path / "calibration.json"
    save_calibration(MADE, path)
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))
    with pytest.raises(CalibrationDamaged):
        read_calibration(path)


def test_a_record_holds_for_its_weights_and_libraries_only() -> None:
    assert MADE.of(HEARS) == STT
    assert MADE.of(SPEAKS) == TTS
    assert MADE.of(replace(HEARS, weights="other")) is None
    assert MADE.of(replace(HEARS, libraries=("ctranslate2 2",))) is None


def test_cpus_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Name, family and model of the first core; without the file the platform's own words."""
    path = tmp_path / "cpuinfo"
    core = "model name\t: AMD EPYC\ncpu family\t: 25\nmodel\t\t: {}\n"
    path.write_text(core.format(17) + "\n" + core.format(99))
    assert _cpu_model(path) == "AMD EPYC, family 25 model 17"
    assert _cpu_model(tmp_path / "none")
    assert this_machine().cores >= 1
