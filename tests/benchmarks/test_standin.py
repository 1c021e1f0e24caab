"""The stand-in recogniser costs what the real one does and says what the script says."""

from pathlib import Path
from typing import Never

import numpy as np
import pytest

from audio.pcm import Samples
from benchmarks import standin_calibration, standin_server
from benchmarks.demo import SPEECH_DIR
from benchmarks.recorded_questions import lines_of
from benchmarks.script import Script, as_sent, write_script
from benchmarks.standin import TOKENS, StandinRecognizer, made
from benchmarks.standin_whisper import Shape, make_standin_whisper
from server.app import App
from server.calibration.use import Fit
from server.commands import serve


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> StandinRecognizer:
    folder = make_standin_whisper(tmp_path_factory.mktemp("standin"), Shape(1, 64, 2))
    (line,) = lines_of([SPEECH_DIR / "question-2.wav"])
    return StandinRecognizer(folder, Script([(as_sent(line.wav), line.text)]), workers=1)


def test_the_words_are_the_scripts_and_the_name_says_stand_in(
    recognizer: StandinRecognizer,
) -> None:
    heard = recognizer.recognise(as_sent(SPEECH_DIR / "question-2.wav"))
    assert heard.text == "where is the accessible toilet"
    assert "stand-in" in heard.engine
    assert "stand-in" in recognizer.fingerprint


@pytest.mark.parametrize("seconds", [0.5, 2.0, 8.0])
def test_it_decodes_as_many_tokens_as_a_question_has_once(
    recognizer: StandinRecognizer, seconds: float
) -> None:
    """Random weights end nowhere and repeat themselves; neither may start the padded rerun."""
    noise: Samples = (
        np.random.default_rng(1).normal(0, 0.1, int(16_000 * seconds)).astype(np.float32)
    )
    details = recognizer.recognise(noise).details
    assert details["tokens"] in (TOKENS, TOKENS + 1)
    assert details["rerun_padded"] is False
    assert details["encoder_frames"] == max(300, round(seconds * 100) + 256)


def test_a_model_is_made_once(tmp_path: Path) -> None:
    (tmp_path / "base.en").mkdir()
    assert made("base.en", tmp_path) == tmp_path / "base.en"
    assert list((tmp_path / "base.en").iterdir()) == []


def test_a_server_with_stand_ins_ends_as_the_real_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter's own end would abort while a stand-in is in native code."""

    def end(app: App, on_ready: object) -> Never:
        raise SystemExit(f"served, offline {app.settings.offline}")

    monkeypatch.setattr(serve, "serve_to_the_end", end)
    monkeypatch.setattr(standin_calibration, "tune_standins", lambda loaded: Fit(loaded, ""))
    with pytest.raises(SystemExit, match="served, offline True"):
        standin_server.main([str(write_script([], tmp_path / "script.json"))])
