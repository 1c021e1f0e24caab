"""The one loaded voice activity model that the audio tests share."""

from __future__ import annotations

import pytest

from audio.vad import VadModel


@pytest.fixture(scope="session")
def vad_model() -> VadModel:
    return VadModel()
