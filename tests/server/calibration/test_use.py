"""server/calibration/use.py: what was measured is used where it holds, and a person's word wins."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from server.calibration.record import Calibration, LeftOut, Machine, save_calibration, this_machine
from server.calibration.subjects import Subject
from server.calibration.use import (
    COMMAND,
    Inventory,
    calibrate_and_keep,
    fit_of,
    merged,
    tune,
    tune_for_serving,
)
from server.errors import StartError
from server.settings import LoadedSettings, Settings, load_settings
from tests.server.calibrations import HEARS, MACHINE, MADE, SPEAKS, STT, TTS, WHEN

ENGINES = (HEARS, SPEAKS)
MEASURED = Inventory(lambda settings: ENGINES)


def loaded(folder: Path = Path("/nowhere"), **variables: str) -> LoadedSettings:
    return load_settings({"PARLEY_DATA_DIR": str(folder), "PARLEY_OFFLINE": "1", **variables})


def stored(folder: Path, calibration: Calibration = MADE) -> Calibration:
    """Keep it in the folder as one of the machine that runs the test."""
    ours = replace(calibration, machine=this_machine())
    save_calibration(ours, folder / "calibration.json")
    return ours


def test_measured_values_replace_defaults_and_say_where_they_come_from() -> None:
    fit = fit_of(loaded(), MADE, ENGINES, MACHINE)
    settings = fit.loaded.settings
    assert (settings.stt_threads, settings.stt_permits, settings.stt_margin_frames) == (2, 3, 384)
    assert (settings.tts_threads, settings.tts_permits) == (1, 2)
    assert fit.loaded.origins["stt_permits"] == f"calibration of {WHEN}"
    assert fit.loaded.origins["search_permits"] == "default"
    assert fit.stages == (STT, TTS)
    assert fit.is_whole


def test_a_preset_knows_no_machine_and_a_person_does() -> None:
    """The preset's 4 permits give way; PARLEY_STT_PERMITS does not."""
    asked = loaded(PARLEY_PRESET="high_performance", PARLEY_STT_PERMITS="7")
    fit = fit_of(asked, MADE, ENGINES, MACHINE)
    assert fit.loaded.settings.stt_permits == 7
    assert fit.loaded.origins["stt_permits"] == "PARLEY_STT_PERMITS"
    assert fit.loaded.settings.tts_permits == 2
    assert fit.loaded.settings.search_permits == 4


def test_other_weights_are_not_taken_for_these() -> None:
    """The voice's record holds, the recogniser's does not, and the note names the engine."""
    other = replace(HEARS, weights="other")
    fit = fit_of(loaded(), MADE, (other, SPEAKS), MACHINE)
    assert fit.loaded.settings.stt_permits == Settings().stt_permits
    assert fit.loaded.settings.stt_margin_frames == Settings().stt_margin_frames
    assert fit.loaded.settings.tts_permits == 2
    assert "Not measured with these weights and libraries: stt (whisper)." in fit.note
    assert not fit.is_whole


def test_what_was_measured_beside_other_programs_is_not_used() -> None:
    """More than half a core of two was theirs: the defaults stay, and the note says why."""
    noisy = replace(MADE, stages=(replace(STT, others_cores=0.9), TTS))
    fit = fit_of(loaded(), noisy, ENGINES, MACHINE)
    assert fit.loaded.settings.stt_threads == Settings().stt_threads
    assert fit.loaded.settings.tts_permits == 2
    assert "other programs were busy meanwhile: stt (whisper)." in fit.note
    assert fit.stages == (TTS,)
    assert not fit.is_whole


@pytest.mark.parametrize("machine", [Machine("a CPU", 4), Machine("another CPU", 2)], ids=str)
def test_another_machine_takes_nothing(machine: Machine) -> None:
    """A data folder that was copied: the note tells both machines."""
    before = loaded()
    fit = fit_of(before, MADE, ENGINES, machine)
    assert fit.loaded == before
    assert "another machine" in fit.note
    assert "a CPU, 2 cores" in fit.note


def test_what_is_not_there_is_said_with_the_command(tmp_path: Path) -> None:
    """No file, a damaged one, one of other engines: each names what to type."""
    assert COMMAND in tune(loaded(tmp_path)).note
    (tmp_path / "calibration.json").write_text("{")
    assert COMMAND in tune(loaded(tmp_path)).note
    stored(tmp_path)
    fit = tune(loaded(tmp_path))
    assert fit.stages == ()
    assert COMMAND in fit.note


def test_off_uses_nothing(tmp_path: Path) -> None:
    stored(tmp_path)
    off = loaded(tmp_path, PARLEY_CALIBRATION="off")
    fit = tune(off, MEASURED)
    assert fit.loaded == off
    assert "off" in fit.note


def test_a_stored_calibration_is_used_at_the_next_start(tmp_path: Path) -> None:
    stored(tmp_path)
    fit = tune(loaded(tmp_path), MEASURED)
    assert fit.loaded.settings.stt_permits == 3
    assert COMMAND not in fit.note


def test_the_first_start_measures_nothing_unless_downloaded_weights_run(tmp_path: Path) -> None:
    """Embedded engines start at once, also under PARLEY_CALIBRATION=first."""

    def refuse(subjects: Sequence[Subject], say: object) -> Calibration:
        raise AssertionError("nothing was to be measured")

    said: list[str] = []
    first = loaded(tmp_path, PARLEY_CALIBRATION="first", PARLEY_MODELS_DIR=str(tmp_path))
    fit = tune_for_serving(first, said.append, Inventory(calibrate=refuse))
    assert COMMAND in fit.note
    assert said == []


def test_the_first_start_measures_weights_that_have_no_record_once(tmp_path: Path) -> None:
    """The second start finds the record, and the embedded engine is left alone."""
    embedded = replace(SPEAKS, weights="wheel")
    engines = (HEARS, embedded)
    measured: list[str] = []

    def calibrate(subjects: Sequence[Subject], say: object) -> Calibration:
        measured.extend(subject.identity.engine for subject in subjects)
        return replace(MADE, machine=this_machine(), stages=(STT,))

    both = [Subject(one, lambda threads, margin: lambda: None, (), 2) for one in engines]
    inventory = Inventory(lambda settings: engines, lambda settings, say: both, calibrate)
    said: list[str] = []
    first = loaded(tmp_path, PARLEY_CALIBRATION="first")
    for _ in range(2):
        fit = tune_for_serving(first, said.append, inventory)
        assert fit.loaded.settings.stt_permits == 3
    assert measured == ["whisper"]
    assert len(said) == 1


def test_weights_that_could_not_be_measured_are_not_tried_at_every_start(tmp_path: Path) -> None:
    """A model too slow for 20 s costs them once; the command tries again when asked."""
    stored(tmp_path, replace(MADE, stages=(), left_out=(LeftOut(HEARS, "was slow"),)))
    said: list[str] = []
    first = loaded(tmp_path, PARLEY_CALIBRATION="first")
    fit = tune_for_serving(first, said.append, Inventory(lambda settings: (HEARS,)))
    assert said == []
    assert "Not measured" in fit.note


def test_records_of_other_stages_are_kept() -> None:
    """A new voice is measured alone; a file of another machine is not mixed in."""
    old = replace(MADE, stages=(STT, replace(TTS, permits=9)))
    new = replace(MADE, stages=(TTS,), took_s=1.0)
    assert merged(old, new).stages == (TTS, STT)
    assert merged(old, new).took_s == 1.0
    assert merged(replace(old, machine=Machine("another", 2)), new) == new
    assert merged(None, new) == new
    retried = replace(MADE, stages=(), left_out=(LeftOut(SPEAKS, "broke"),))
    assert merged(MADE, retried).stages == (STT, TTS)
    assert merged(MADE, retried).left_out == (LeftOut(SPEAKS, "broke"), *MADE.left_out)


def test_a_result_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    """A file stands where the data folder should be: StartError names it."""
    (tmp_path / "data").write_text("")
    inventory = Inventory(subjects=lambda settings, say: (), calibrate=lambda subjects, say: MADE)
    with pytest.raises(StartError, match=r"calibration\.json cannot be written"):
        calibrate_and_keep(loaded(tmp_path / "data").settings, print, inventory)
