"""Stand-in speech engines: the true compute of base.en and of a Piper medium voice, random weights.

For figures where no model hub is. The recogniser's words come from a script, the voice is noise;
both say "stand-in" in their names. Nothing in the product can reach them.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from audio.pcm import Samples
from benchmarks.script import Script
from benchmarks.server_process import ROOT
from benchmarks.standin_piper import make_standin_voice
from benchmarks.standin_whisper import make_standin_whisper
from models.espeak import EspeakLibrary
from models.language_model import LanguageModelFiles
from models.piper import PiperSynthesizer
from models.stt import Transcript
from models.whisper import CropSettings, WhisperRecognizer
from server.engines.loading import SpeechEngines
from server.engines.warm_up import warm_recognizer, warm_synthesizer
from server.settings import Settings

STANDIN_DIR = ROOT / "benchmarks" / "out" / "standin"
TOKENS: Final = 12
"""Tokens that every recognition is asked for, and CTranslate2 gives 13: what a spoken question has
("what time does the last boat come back on a sunday": 11, a full stop and the end). The recogniser
runs again with padding at its own limit, 12 and 8 for each second: 15 for the shortest speech."""

_CONFIDENCE = 0.9
_MAKERS: dict[str, Callable[[Path], Path]] = {
    "base.en": make_standin_whisper,
    "medium": lambda folder: make_standin_voice(folder / "en_US-standin-medium.onnx"),
}


class StandinRecognizer(WhisperRecognizer):
    """Runs the cropped Whisper compute on every utterance and returns the script's words for it."""

    def __init__(self, model_dir: Path, script: Script, workers: int, threads: int = 1) -> None:
        """See `WhisperRecognizer`."""
        super().__init__(model_dir, cpu_threads=threads, workers=workers)
        self._script = script
        self._model = _FixedLength(self._model)
        self.name = "stand-in base.en (faster-whisper, random weights, scripted words)"

    def _set(self, crop: CropSettings, hotwords: tuple[str, ...]) -> None:
        super()._set(crop, hotwords)
        self.fingerprint = f"stand-in-{self.fingerprint}"

    def recognise(self, speech: Samples) -> Transcript:
        """See `Recognizer`."""
        heard = super().recognise(speech)
        return replace(heard, text=self._script.text_of(speech), confidence=_CONFIDENCE)

    def _read(self, speech: Samples, frames: int) -> Any:
        """Random weights repeat themselves: that must not cause the padded second run."""
        return replace(super()._read(speech, frames), compression_ratio=1.0)

    def _asked_tokens(self, limit: int) -> int:
        return super()._asked_tokens(TOKENS)


class _FixedLength:
    """A Whisper model that always decodes as many tokens: its end token is suppressed."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.hf_tokenizer = model.hf_tokenizer
        self._end_token = self.hf_tokenizer.token_to_id("<|endoftext|>")

    def encoding_at_most(self, frames: int) -> AbstractContextManager[None]:
        bounded: AbstractContextManager[None] = self._model.encoding_at_most(frames)
        return bounded

    def transcribe(self, speech: Samples, **options: Any) -> Any:
        options |= {"suppress_tokens": [-1, self._end_token]}  # -1 is Whisper's own list.
        return self._model.transcribe(speech, **options)


class StandinSynthesizer(PiperSynthesizer):
    """Runs a medium voice's compute; the sound is noise of the sentence's natural length."""

    def __init__(self, voice_path: Path, library: EspeakLibrary, threads: int = 1) -> None:
        """See `PiperSynthesizer`."""
        super().__init__(voice_path, library, threads)
        self.name = "stand-in en_US medium (piper, random weights)"
        self.fingerprint = f"stand-in-{self.fingerprint}"


def load_standins(
    script: Script, settings: Settings, language_model: LanguageModelFiles | None, library: Any
) -> SpeechEngines:
    """Make the models on the first call (3 s); load and warm as server/engines/loading.py does."""
    recognizer = StandinRecognizer(
        made("base.en"), script, settings.stt_permits, settings.stt_threads
    )
    synthesizer = StandinSynthesizer(made_voice(), library, settings.tts_threads)
    warm_recognizer(recognizer, settings.stt_permits)
    warm_synthesizer(synthesizer)
    note = "Stand-ins hear and speak: the cost is true, words are scripted, the voice is noise."
    return SpeechEngines(recognizer, synthesizer, (note,))


def made_voice() -> Path:
    """Return the stand-in voice's .onnx file, made on the first call."""
    return made("medium") / "en_US-standin-medium.onnx"


def made(name: str, out_dir: Path = STANDIN_DIR) -> Path:
    """Return the folder of a stand-in model; it appears whole or not at all."""
    folder = out_dir / name
    if folder.is_dir():
        return folder
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir) as temporary:
        part = Path(temporary) / name
        part.mkdir()
        _MAKERS[name](part)
        os.replace(part, folder)
    return folder
