"""`parley doctor --calibrate`: measures the engines in use, keeps it, shows it, and is believed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.espeak import EspeakLibrary
from models.piper import PiperSynthesizer
from server.calibration.record import read_calibration
from server.calibration.use import Inventory, calibrate_and_keep, tune
from server.cli import main
from server.commands.doctor import Diagnosis, diagnose, format_diagnosis
from server.engines.loading import (
    choose_recognizer,
    choose_synthesizer,
    load_recognizer,
    load_synthesizer,
)
from server.settings import Settings, load_settings
from tests.llm_server import llm_server
from tests.model_makers.stub_piper import make_stub_voice
from tests.server.calibrations import MADE, STT, calibrate_patiently, install_whisper

VOICE = "en_US-ljspeech-medium"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A canned Whisper and a stub voice lie where fetched weights lie."""
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PARLEY_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PARLEY_OFFLINE", "1")
    found = load_settings().settings
    install_whisper(found, "where is it")
    (found.models_dir / VOICE).mkdir()
    make_stub_voice(found.models_dir / VOICE / f"{VOICE}.onnx")
    return found


def test_what_is_measured_is_kept_shown_and_used_at_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON object on stdout; the stored file, the settings and their origins agree with it."""
    calibrate_and_keep(settings, print, Inventory(calibrate=calibrate_patiently))
    capsys.readouterr()
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    stored = read_calibration(settings.calibration_path)
    assert stored is not None
    by_stage = {record.identity.stage.value: record for record in stored.stages}
    assert set(by_stage) == {"stt", "search", "tts"}
    assert all(record.identity.weights != "wheel" for record in stored.stages[1:])
    for stage, record in by_stage.items():
        shown = told["settings"][f"{stage}_permits"]
        assert shown["value"] == record.permits
        assert shown["from"] == f"calibration of {record.made_at}"
        assert all(load.rounds >= 3 for load in record.loads)
    crop = by_stage["stt"].crop
    assert crop is not None
    assert told["settings"]["stt_margin_frames"]["value"] == crop.margin_frames
    monkeypatch.setenv("PARLEY_STT_PERMITS", "5")
    tuned = tune(load_settings()).loaded.settings
    assert (tuned.stt_permits, tuned.tts_permits) == (5, by_stage["tts"].permits)


def test_the_command_measures_and_then_tells_it_all(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON object on stdout, progress beside it; a stage left out is exit code 1."""
    code = main(["doctor", "--calibrate", "--json"])
    told = capsys.readouterr()
    stored = json.loads(told.out)["calibration"]["stored"]
    assert code == (1 if stored["left_out"] else 0)
    assert len(stored["stages"]) + len(stored["left_out"]) == 3
    assert "Measuring stt: faster-whisper base.en" in told.err


def test_doctor_shows_every_choice_with_its_reason_and_measurements(settings: Settings) -> None:
    """What is stored is shown also when it does not hold here, and that it does not."""
    shown = format_diagnosis(replace(diagnose(load_settings()), calibration=MADE))
    assert "threads 2, permits 3: why" in shown
    assert "threads 2, callers 1: median 120.0 ms of 5 rounds, 8.33 a second" in shown
    assert "margin 256: of 9 samples 1 with other words than padded, 0 made again" in shown
    assert "search    minilm was slow" in shown
    assert "This machine is not calibrated" in shown
    assert "not used" not in shown
    noisy = replace(MADE, stages=(replace(STT, others_cores=1.5),))
    shown = format_diagnosis(replace(diagnose(load_settings()), calibration=noisy))
    assert "not used: other programs took 1.5 cores meanwhile" in shown


def test_the_engines_are_loaded_as_calibrated(settings: Settings) -> None:
    """Threads reach onnxruntime, the margin reaches the crop and so the cache key."""
    wanted = replace(settings, tts_threads=2, stt_margin_frames=384)
    voice = load_synthesizer(wanted, choose_synthesizer(wanted), EspeakLibrary())
    assert isinstance(voice, PiperSynthesizer)
    assert voice._voice.session.get_session_options().intra_op_num_threads == 2
    ears = load_recognizer(wanted, choose_recognizer(wanted), None)
    usual = load_recognizer(settings, choose_recognizer(settings), None)
    assert ears.fingerprint.endswith("-384-300")
    assert usual.fingerprint.endswith("-256-300")


def answer_of(monkeypatch: pytest.MonkeyPatch, url: str, fallback: str = "") -> Diagnosis:
    monkeypatch.setenv("PARLEY_LLM_BASE_URL", url)
    monkeypatch.setenv("PARLEY_LLM_MODEL", "test-model")
    monkeypatch.setenv("PARLEY_LLM_API_KEY", "s3cret")
    if fallback:
        monkeypatch.setenv("PARLEY_LLM_FALLBACK_URL", fallback)
        monkeypatch.setenv("PARLEY_LLM_FALLBACK_MODEL", "other-model")
    return diagnose(load_settings())


AWAY = "http://127.0.0.1:1/v1"


def test_a_language_model_is_asked_for_its_models_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who will answer and why; a key is only said to be set."""
    with llm_server() as endpoint:
        found = answer_of(monkeypatch, endpoint.base_url)
        told = found.engines["answer"]
        assert told.engine == f"test-model at 127.0.0.1:{endpoint.port}"
        assert told.why == "primary: it answers and lists the model"
        assert not endpoint.requests
        assert "s3cret" not in format_diagnosis(found)
        found = answer_of(monkeypatch, AWAY, endpoint.base_url)
        assert found.engines["answer"].why == (
            "fallback: it answers, but lists no other-model: test-model"
        )
        assert any("127.0.0.1:1 cannot be reached" in problem for problem in found.problems)


def test_a_language_model_that_is_away_is_a_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said who answers meanwhile."""
    found = answer_of(monkeypatch, AWAY)
    assert found.engines["answer"].engine == "extractive"
    assert found.problems[-1].startswith(
        "primary language model: The language model at 127.0.0.1:1"
    )
