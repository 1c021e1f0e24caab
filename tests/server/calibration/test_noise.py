"""server/calibration/noise.py: other programs' work is told from our own."""

import os
from pathlib import Path

import pytest

from server.calibration.noise import (
    Processors,
    is_quiet,
    others_cores,
    read_processors,
)


def test_others_are_what_the_cores_did_and_we_did_not() -> None:
    """In 10 s the two cores worked 18 s, 15 of them for us."""
    before, after = Processors(100.0, 50.0, 7.0), Processors(110.0, 68.0, 22.0)
    assert others_cores(before, after) == 0.3


def test_rounding_of_the_kernels_ticks_is_no_negative_work() -> None:
    assert others_cores(Processors(0.0, 0.0, 0.0), Processors(1.0, 1.0, 1.01)) == 0.0


def test_a_machine_that_does_not_tell_is_believed(tmp_path: Path) -> None:
    """Without /proc/stat nothing is known, and nothing is refused."""
    reading = read_processors(tmp_path / "none")
    assert reading.busy_s is None
    assert others_cores(reading, reading) is None
    assert is_quiet(None, 2)


def test_half_a_core_of_two_is_the_most_that_others_may_take() -> None:
    assert is_quiet(0.5, 2)
    assert not is_quiet(0.51, 2)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux tells the cores' work")
def test_only_the_cores_that_this_process_may_use_are_counted(tmp_path: Path) -> None:
    """User, nice, system, irq, softirq and steal; idle, waiting and other cores are not work."""
    ours = min(os.sched_getaffinity(0))
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  9 9 9 9 9 9 9 9 0 0\n"
        f"cpu{ours} 100 200 300 7000 8000 400 500 600 0 0\n"
        "cpu4095 1 1 1 1 1 1 1 1 0 0\n"
    )
    assert read_processors(stat).busy_s == 2100 / os.sysconf("SC_CLK_TCK")
