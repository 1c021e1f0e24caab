"""Piper voices: a VITS network run by onnxruntime, its phonemes made by espeak-ng.

It loads one voice and speaks sentences; it neither fetches voices nor rewrites text.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors
from piper import PiperVoice, SynthesisConfig
from piper.config import PhonemeType, PiperConfig

from models.espeak import EspeakLibrary
from models.tts import Speech, SynthesisError, check_request
from models.unspeakable import without_unspeakable
from models.voice_finish import finish

Samples = NDArray[np.float32]

_RUN_ERRORS = (onnx_errors.RuntimeException, onnx_errors.InvalidArgument, onnx_errors.Fail)
_LOAD_ERRORS = (*_RUN_ERRORS, onnx_errors.InvalidProtobuf, onnx_errors.InvalidGraph)


class VoiceError(ValueError):
    """A voice's files are missing or are not a Piper voice; the message names the file."""


class PiperSynthesizer:
    """One voice, safe from several threads: phonemes are made in turn, the network runs beside.

    A call takes `threads` cores for 0.042 CPU-s per second of speech ("medium" voices).
    `is_levelled` evens the loudness between sentences; without it the network's own level is kept.
    """

    def __init__(
        self, voice_path: Path, library: EspeakLibrary, threads: int = 1, is_levelled: bool = True
    ) -> None:
        """Loads NAME.onnx with the NAME.onnx.json beside it, and says a word to warm both up.

        Raises VoiceError when either is missing or is not a Piper voice.
        """
        self._library = library
        self._is_levelled = is_levelled
        self._voice = _load_voice(voice_path, threads)
        self.name = f"piper {voice_path.name.removesuffix('.onnx')}"
        self.fingerprint = f"piper-{_short_hash(voice_path)}-{int(is_levelled)}"
        self.rate_hz: int = self._voice.config.sample_rate
        self.synthesise("Ready.")

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        """See `Synthesizer`. Raises SynthesisError when the network fails."""
        check_request(sentence, speed)
        how = SynthesisConfig(length_scale=self._voice.config.length_scale / speed)
        parts = [self._sound(phonemes, how) for phonemes in self._phonemes(sentence)]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return Speech(finish(samples, self.rate_hz, self._is_levelled), self.rate_hz, self.name)

    def _phonemes(self, sentence: str) -> list[list[str]]:
        """Phonemes per sentence that espeak-ng sees; none for blank text or mere punctuation.

        Brackets go, because Piper reads [[...]] as raw phonemes.
        """
        spoken = without_unspeakable(sentence).replace("[", " ").replace("]", " ")
        if not any(character.isalnum() for character in spoken):
            return []
        with self._library.exclusive():
            phonemes: list[list[str]] = self._voice.phonemize(spoken)
        return [part for part in phonemes if part]

    def _sound(self, phonemes: list[str], how: SynthesisConfig) -> Samples:
        identifiers = self._voice.phonemes_to_ids(phonemes)
        try:
            sound = self._voice.phoneme_ids_to_audio(identifiers, how)
        except _RUN_ERRORS as error:
            raise SynthesisError(f"{self.name} failed on {len(phonemes)} phonemes") from error
        return np.atleast_1d(np.asarray(sound, np.float32))


def _load_voice(voice_path: Path, threads: int) -> PiperVoice:
    """PiperVoice.load would take onnxruntime's defaults: all cores, spinning while idle."""
    settings_path = voice_path.with_name(voice_path.name + ".json")
    for path in (voice_path, settings_path):
        if not path.is_file():
            raise VoiceError(f"the Piper voice file {path} is missing")
    try:
        settings = PiperConfig.from_dict(json.loads(settings_path.read_text("utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VoiceError(f"{settings_path} does not describe a Piper voice") from error
    if settings.phoneme_type != PhonemeType.ESPEAK:
        raise VoiceError(
            f"{settings_path} wants {settings.phoneme_type.value} phonemes, not espeak"
        )
    return PiperVoice(session=_session(voice_path, threads), config=settings)


def _session(voice_path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False  # it keeps a plan for every length of sentence ever seen
    try:
        return onnxruntime.InferenceSession(
            str(voice_path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except _LOAD_ERRORS as error:
        raise VoiceError(f"{voice_path} is not an ONNX network that runs here") from error


def _short_hash(path: Path) -> str:
    """Of the network and its settings; 63 MB take about 40 ms."""
    digest = hashlib.sha256(path.with_name(path.name + ".json").read_bytes())
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()[:12]
