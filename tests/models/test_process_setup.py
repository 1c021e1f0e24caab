"""What holds for the whole process of a program that runs engines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.process_setup import SWITCH_INTERVAL_S

SHOW = """
import sys
{begin}
print(sys.getswitchinterval())
"""
COMMAND = """
from server.cli import main
try:
    main(["cache", "stats"])
except SystemExit:
    pass
"""


@pytest.mark.parametrize(
    ("begin", "switches_soon"),
    [("", False), ("from models.process_setup import *; set_up_process()", True), (COMMAND, True)],
)
def test_no_thread_keeps_another_from_the_interpreter_for_long(
    tmp_path: Path, begin: str, switches_soon: bool
) -> None:
    """Python alone gives a thread 5 ms; every command of Parley a millisecond."""
    run = subprocess.run(
        [sys.executable, "-c", SHOW.format(begin=begin)],
        env={**os.environ, "PARLEY_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (float(run.stdout.split()[-1]) <= SWITCH_INTERVAL_S) is switches_soon
