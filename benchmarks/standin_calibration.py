"""Calibrates this machine for the stand-in engines, as `parley doctor --calibrate` does for real
ones, and keeps it beside them: benchmarks.standin_server uses it from then on.

`python -m benchmarks.standin_calibration [--json]`. The crop is not judged: the words are scripted.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

# As in server/cli.py: before any library that starts OpenMP threads is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.script import Script
from benchmarks.standin import STANDIN_DIR, StandinRecognizer, StandinSynthesizer, made, made_voice
from models.digest import sha256_of
from models.espeak import EspeakLibrary
from server.calibration.record import CalibratedStage, Identity
from server.calibration.subjects import (
    Subject,
    embedder_identity,
    embedder_subject,
    libraries,
    piper_subject,
    whisper_subject,
)
from server.calibration.text import calibration_lines
from server.calibration.use import Fit, Inventory, calibrate_and_keep, tune
from server.settings import LoadedSettings, Settings, load_settings

STANDIN_COMMAND: Final = "python -m benchmarks.standin_calibration"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, keep and print; 1 when a stage could not be measured."""
    parser = argparse.ArgumentParser(prog="benchmarks.standin_calibration", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parsed = parser.parse_args(arguments)
    kept = calibrate_and_keep(_settings(load_settings().settings), _say, _inventory())
    print(json.dumps(asdict(kept), indent=1) if parsed.json else "\n".join(calibration_lines(kept)))
    return 1 if kept.left_out else 0


def tune_standins(loaded: LoadedSettings) -> Fit:
    """Apply what was measured of the stand-ins; the data folder stays the caller's own."""
    own = LoadedSettings(_settings(loaded.settings), loaded.origins)
    fit = tune(own, _inventory())
    settings = replace(fit.loaded.settings, data_dir=loaded.settings.data_dir)
    return replace(fit, loaded=LoadedSettings(settings, fit.loaded.origins))


def standin_identities() -> tuple[Identity, ...]:
    """Tell who the stand-ins are, making them on the first call (3 s)."""
    stt, tts = CalibratedStage.STT, CalibratedStage.TTS
    hearing, speaking = made("base.en") / "model.bin", made_voice()
    return (
        Identity(
            stt, "stand-in base.en", _short(hearing), libraries("faster-whisper", "ctranslate2")
        ),
        embedder_identity(),
        Identity(tts, "stand-in medium", _short(speaking), libraries("piper-tts", "onnxruntime")),
    )


def standin_subjects() -> tuple[Subject, ...]:
    """Make subjects of the stand-ins and of the true embedder."""
    hears, finds, speaks = standin_identities()
    library, script = EspeakLibrary(), Script([])
    return (
        whisper_subject(
            hears,
            lambda threads, workers: StandinRecognizer(made("base.en"), script, workers, threads),
            samples=None,
        ),
        embedder_subject(finds, _settings(Settings()), _say),
        piper_subject(speaks, lambda threads: StandinSynthesizer(made_voice(), library, threads)),
    )


def _inventory() -> Inventory:
    return Inventory(
        identities=lambda settings: standin_identities(),
        subjects=lambda settings, say: standin_subjects(),
        command=STANDIN_COMMAND,
    )


def _settings(settings: Settings) -> Settings:
    return replace(settings, data_dir=STANDIN_DIR / "data")


def _short(path: Path) -> str:
    return sha256_of(path)[:16]


def _say(text: str) -> None:
    print(text, flush=True, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
