"""server/engines/loading.py: which recognisers load, and what is said of an absent one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.engines.loading import load_small_recognizer
from server.errors import StartError
from server.settings import Settings
from tests.server.calibrations import install_whisper


def test_no_small_recogniser_is_loaded_unasked() -> None:
    """It costs memory, so a person names it."""
    assert load_small_recognizer(Settings()) is None


def test_the_small_recogniser_that_is_named_hears(tmp_path: Path) -> None:
    """From where fetched models lie, as the usual recogniser."""
    settings = replace(
        Settings(), models_dir=tmp_path, hub_cache_dir=tmp_path, stt_small_model="base.en"
    )
    install_whisper(settings, "the short way home")
    small = load_small_recognizer(settings)
    assert small is not None
    assert small.recognise(np.zeros(16_000, np.float32)).text == "the short way home"


def test_one_that_is_not_here_stops_the_start_by_name(tmp_path: Path) -> None:
    """Half a configuration is none."""
    settings = replace(
        Settings(), stt_small_model="tiny.en", models_dir=tmp_path, hub_cache_dir=tmp_path
    )
    with pytest.raises(StartError, match=r"tiny\.en"):
        load_small_recognizer(settings)
