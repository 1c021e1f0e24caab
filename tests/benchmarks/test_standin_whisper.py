"""The stand-in Whisper loads and runs through the true path; its words mean nothing."""

from pathlib import Path

import numpy as np

from benchmarks.standin_whisper import SHAPES, Shape, make_standin_whisper
from models.whisper import WhisperRecognizer


def test_standin_runs_through_the_real_engine(tmp_path: Path) -> None:
    """A small shape of the same maker gives some transcript, cropped like any other."""
    folder = make_standin_whisper(tmp_path / "standin", Shape(1, 64, 2))
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    transcript = WhisperRecognizer(folder).recognise(noise)
    assert transcript.audio_ms == 2000
    assert transcript.details["encoder_frames"] in (456, 3000)


def test_base_shape_is_that_of_the_published_model() -> None:
    """Six layers each, 512 wide, eight heads: OpenAI's base.en."""
    assert SHAPES["base.en"] == Shape(layers=6, width=512, heads=8)
