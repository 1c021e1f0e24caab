"""Piper voices: a VITS network run by onnxruntime, its phonemes made by espeak-ng.

It loads one voice and speaks sentences; it neither fetches voices nor rewrites text.
"""

import hashlib
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors
from piper import PiperVoice, SynthesisConfig
from piper.config import PhonemeType, PiperConfig
from piper.const import BOS, PAD

from models.espeak import EspeakLibrary
from models.onnx_outputs import with_output_of
from models.tts import Speech, SynthesisError, check_request
from models.unspeakable import without_unspeakable
from models.voice_finish import finished_speech
from models.word_times import Knot, ends_by_weights

Samples = NDArray[np.float32]

_RUN_ERRORS = (onnx_errors.RuntimeException, onnx_errors.InvalidArgument, onnx_errors.Fail)
_NO_PHONEMES = frozenset(string.punctuation + string.whitespace)
_DURATIONS_NODE = "Ceil"
"""VITS rounds the length of each phoneme up, once; what comes out is in hops of 256 samples."""
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
        self.is_aligned = len(self._voice.session.get_outputs()) > 1
        """Whether the network tells how long each phoneme lasts; else words share the time by
        their number of phonemes."""
        self.name = f"piper {voice_path.name.removesuffix('.onnx')}"
        self.fingerprint = f"piper-{_short_hash(voice_path)}-{int(is_levelled)}"
        self.rate_hz: int = self._voice.config.sample_rate
        self.synthesise("Ready.")

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        """See `Synthesizer`. Raises SynthesisError when the network fails."""
        check_request(sentence, speed)
        how = SynthesisConfig(length_scale=self._voice.config.length_scale / speed)
        parts = [self._sound(phonemes, how) for phonemes in self._phonemes(sentence)]
        if not parts:
            return Speech(np.zeros(0, np.int16), self.rate_hz, self.name)
        samples = np.concatenate([part.samples for part in parts])
        ends = self._word_ends(sentence, parts, len(samples))
        return finished_speech(samples, self.rate_hz, self.name, ends, self._is_levelled)

    def _word_ends(self, sentence: str, parts: Sequence["_Part"], samples: int) -> tuple[int, ...]:
        """Words take phonemes as each does by itself: espeak-ng runs some of them together."""
        words = sentence.split()
        voice = self._voice.config.espeak_voice
        weights = [len(self._library.phonemes_of(word, voice)) for word in words]
        return ends_by_weights(weights, _joined(parts) if self.is_aligned else (), samples)

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

    def _sound(self, phonemes: list[str], how: SynthesisConfig) -> "_Part":
        identifiers = self._voice.phonemes_to_ids(phonemes)
        try:
            sound, durations = self._voice.phoneme_ids_to_audio(
                identifiers, how, include_alignments=True
            )
        except _RUN_ERRORS as error:
            raise SynthesisError(f"{self.name} failed on {len(phonemes)} phonemes") from error
        samples = np.atleast_1d(np.asarray(sound, np.float32))
        return _Part(samples, self._begins(phonemes, durations))

    def _begins(self, phonemes: list[str], durations: NDArray[np.int64] | None) -> tuple[int, ...]:
        """The sample at which each phoneme of a word begins: neither a space nor a stop is one."""
        if durations is None:
            return ()
        known = self._voice.config.phoneme_id_map
        pad = len(known[PAD])
        passed = np.concatenate([[0], np.cumsum(durations)])
        position, begins = len(known[BOS]) + pad, []
        for phoneme in phonemes:
            if phoneme not in known or position >= len(passed):
                continue
            if phoneme not in _NO_PHONEMES:
                begins.append(int(passed[position]))
            position += len(known[phoneme]) + pad
        return tuple(begins)


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the sentences that espeak-ng sees in a sentence."""

    samples: Samples
    begins: tuple[int, ...]


def _joined(parts: Sequence[_Part]) -> list[Knot]:
    """Number of the phoneme in all parts, and the sample at which it begins."""
    knots: list[Knot] = []
    passed = 0
    for part in parts:
        knots += [(len(knots) + number, passed + begin) for number, begin in enumerate(part.begins)]
        passed += len(part.samples)
    return [*knots, (len(knots), passed)]


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
        network = voice_path.read_bytes()
        return onnxruntime.InferenceSession(
            with_output_of(network, _DURATIONS_NODE) or network,
            sess_options=options,
            providers=["CPUExecutionProvider"],
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
