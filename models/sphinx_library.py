"""Calls the pocketsphinx C library inside its wheel without holding the interpreter lock;
recognises nothing itself.

The wheel's own Python classes hold the interpreter lock for a whole utterance: a 7 s sentence
stopped every other thread for 1.28 s, the event loop with it. The same shared object exports the C
API, and ctypes releases the lock round each call. Nothing here is thread-safe for one object: one
decoder, one thread at a time.
"""

import ctypes
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_int16, c_int32, c_size_t, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_ARPA_OR_BINARY = 0  # NGRAM_AUTO of pocketsphinx/model.h
_UNKNOWN_BELOW = -1_000_000  # log base 1.0001: rarer than 1e-43, so not in the model

_SIGNATURES: Mapping[str, tuple[object, Sequence[object]]] = {
    "err_set_loglevel_str": (c_char_p, [c_char_p]),
    "logmath_exp": (ctypes.c_double, [c_void_p, c_int]),
    "logmath_free": (c_int, [c_void_p]),
    "logmath_init": (c_void_p, [ctypes.c_double, c_int, c_int]),
    "ngram_model_free": (c_int, [c_void_p]),
    "ngram_model_read": (c_void_p, [c_void_p, c_char_p, c_int, c_void_p]),
    "ngram_prob": (c_int32, [c_void_p, POINTER(c_char_p), c_int32]),
    "ngram_model_set_init": (
        c_void_p,
        [c_void_p, POINTER(c_void_p), POINTER(c_char_p), POINTER(c_float), c_int32],
    ),
    "ps_activate_search": (c_int, [c_void_p, c_char_p]),
    "ps_add_lm": (c_int, [c_void_p, c_char_p, c_void_p]),
    "ps_config_free": (c_int, [c_void_p]),
    "ps_config_init": (c_void_p, [c_void_p]),
    "ps_config_set_str": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "ps_end_utt": (c_int, [c_void_p]),
    "ps_free": (c_int, [c_void_p]),
    "ps_get_hyp": (c_char_p, [c_void_p, POINTER(c_int32)]),
    "ps_get_logmath": (c_void_p, [c_void_p]),
    "ps_init": (c_void_p, [c_void_p]),
    "ps_process_raw": (c_int, [c_void_p, POINTER(c_int16), c_size_t, c_int, c_int]),
    "ps_seg_frames": (None, [c_void_p, POINTER(c_int), POINTER(c_int)]),
    "ps_seg_iter": (c_void_p, [c_void_p]),
    "ps_seg_next": (c_void_p, [c_void_p]),
    "ps_seg_prob": (
        c_int32,
        [c_void_p, POINTER(c_int32), POINTER(c_int32), POINTER(c_int32)],
    ),
    "ps_seg_word": (c_char_p, [c_void_p]),
    "ps_start_utt": (c_int, [c_void_p]),
}


class SphinxError(RuntimeError):
    """The pocketsphinx wheel is missing, too different, or refused a model file."""


def wheel_folder() -> Path:
    """Where the pocketsphinx wheel lies, found without importing it. Raises SphinxError."""
    found = importlib.util.find_spec("pocketsphinx")
    if found is None or found.origin is None:
        raise SphinxError("pocketsphinx is not installed: pip install pocketsphinx")
    return Path(found.origin).parent


@dataclass(frozen=True, slots=True)
class WheelModel:
    """The English model that the wheel carries."""

    folder: Path

    @property
    def acoustic(self) -> Path:
        """The folder of the acoustic model, 16 kHz."""
        return self.folder / "en-us"

    @property
    def dictionary(self) -> Path:
        """About 135,000 pronunciations in ARPAbet, sorted, alternatives as ``word(2)``."""
        return self.folder / "cmudict-en-us.dict"

    @property
    def language_model(self) -> Path:
        """General English trigrams, 27 MB."""
        return self.folder / "en-us.lm.bin"


def wheel_model() -> WheelModel:
    """Find the model without importing the wheel. Raises SphinxError."""
    return WheelModel(wheel_folder() / "model" / "en-us")


class SphinxLibrary:
    """The C functions with their types. One object may serve any number of decoders and threads."""

    def __init__(self) -> None:
        """Raises SphinxError when the wheel has no library that exports the C API."""
        shared_objects = sorted(wheel_folder().glob("_pocketsphinx*.so"))
        if not shared_objects:
            raise SphinxError("the pocketsphinx wheel has no _pocketsphinx*.so: reinstall it")
        self.calls = ctypes.CDLL(str(shared_objects[0]))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self.calls, name, None)
            if function is None:
                raise SphinxError(f"this pocketsphinx does not export {name}: install 5.1.1")
            function.restype = result
            function.argtypes = arguments
        self.calls.err_set_loglevel_str(b"FATAL")

    def commonest_words(self, model: "WheelModel", count: int) -> list[str]:
        """The words of the wheel's dictionary that its language model finds commonest; 0.4 s."""
        with model.dictionary.open(encoding="utf-8") as lines:
            words = [line.split(" ", 1)[0] for line in lines]
        log_math = self.calls.logmath_init(1.0001, 0, 1)
        general = self.calls.ngram_model_read(
            None, bytes(model.language_model), _ARPA_OR_BINARY, log_math
        )
        scored = [
            (-self.calls.ngram_prob(general, (c_char_p * 1)(word.encode()), 1), word)
            for word in words
        ]
        self.calls.ngram_model_free(general)
        self.calls.logmath_free(log_math)
        return [word for score, word in sorted(scored)[:count] if score < -_UNKNOWN_BELOW]


@dataclass(frozen=True, slots=True)
class WeightedModel:
    """One part of a language model.

    The weight multiplies the part's probability after the decoder's language weight was applied to
    it (p ** lw * weight), so the mixture is nearly a maximum and small weights act as a penalty.
    """

    path: Path
    weight: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One word of a hypothesis; scores in the decoder's integer log domain."""

    word: str
    first_frame: int
    last_frame: int
    acoustic_score: int
    language_score: int
    log_posterior: int

    @property
    def is_spoken(self) -> bool:
        """Whether it is a word and not silence or noise."""
        return not self.word.startswith(("<", "[", "+"))

    @property
    def frames(self) -> int:
        """How long it lasts, in frames of 10 ms."""
        return self.last_frame - self.first_frame + 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """One utterance as a decoder heard it."""

    segments: tuple[Segment, ...]
    """Of the finished utterance; empty when nothing was heard."""
    unfinished: str
    """The words before the utterance was declared over: the last ones need not end a sentence,
    which the language model otherwise asks of them ("the price" for "the price of").
    """


class SphinxDecoder:
    """One acoustic model with one dictionary and one (mixed) language model.

    Not thread-safe: the caller gives it to one thread at a time. `close` frees what it holds (tens
    of MB).
    """

    def __init__(
        self,
        library: SphinxLibrary,
        options: Mapping[str, str],
        language_models: Sequence[WeightedModel] = (),
    ) -> None:
        """`options` are pocketsphinx's own names and values. Raises SphinxError."""
        self._calls = library.calls
        self._decoder: int | None = None
        config = self._configure(options)
        try:
            self._decoder = self._calls.ps_init(config)
            if not self._decoder:
                raise SphinxError("pocketsphinx refused the model files: reinstall or rebuild them")
            if language_models:
                self._add_language_models(config, language_models)
        except SphinxError:
            self.close()
            raise
        finally:
            self._calls.ps_config_free(config)

    def close(self) -> None:
        """Free the decoder; a second call does nothing."""
        if self._decoder:
            self._calls.ps_free(self._decoder)
        self._decoder = None

    def decode(self, samples: NDArray[np.int16]) -> Decoded:
        """The words of one utterance at 16 kHz with silences and fillers.

        One full-utterance pass: cepstral means are taken over the whole, which streaming cannot.
        """
        frames = np.ascontiguousarray(samples, dtype=np.int16)
        pointer = frames.ctypes.data_as(POINTER(c_int16))
        self._calls.ps_start_utt(self._decoder)
        self._calls.ps_process_raw(self._decoder, pointer, frames.size, 0, 1)
        unfinished = self._words()
        self._calls.ps_end_utt(self._decoder)
        return Decoded(tuple(self._segments()) if self._words() else (), unfinished)

    def probability_of(self, log_value: int) -> float:
        """The plain probability of an integer log value of this decoder."""
        return float(self._calls.logmath_exp(self._calls.ps_get_logmath(self._decoder), log_value))

    def _words(self) -> str:
        score = c_int32()
        words = self._calls.ps_get_hyp(self._decoder, byref(score))
        return words.decode("utf-8", "replace") if words else ""

    def _segments(self) -> Iterator[Segment]:
        segment = self._calls.ps_seg_iter(self._decoder)
        while segment:
            yield self._read_segment(segment)
            segment = self._calls.ps_seg_next(segment)

    def _read_segment(self, segment: int) -> Segment:
        first, last = c_int(), c_int()
        acoustic, language, backoff = c_int32(), c_int32(), c_int32()
        self._calls.ps_seg_frames(segment, byref(first), byref(last))
        posterior = self._calls.ps_seg_prob(
            segment, byref(acoustic), byref(language), byref(backoff)
        )
        word = self._calls.ps_seg_word(segment).decode("utf-8", "replace")
        return Segment(
            word, first.value, last.value, acoustic.value, language.value, int(posterior)
        )

    def _configure(self, options: Mapping[str, str]) -> int:
        config = self._calls.ps_config_init(None)
        for name, value in options.items():
            if not self._calls.ps_config_set_str(config, name.encode(), value.encode()):
                self._calls.ps_config_free(config)
                raise SphinxError(f"pocketsphinx has no option {name!r}")
        return int(config)

    def _add_language_models(self, config: int, parts: Sequence[WeightedModel]) -> None:
        log_math = self._calls.ps_get_logmath(self._decoder)  # models that are mixed must share it
        models = [self._read_language_model(config, part.path, log_math) for part in parts]
        count = len(models)
        mixed = self._calls.ngram_model_set_init(
            config,
            (c_void_p * count)(*models),
            (c_char_p * count)(*[b"part%d" % number for number in range(count)]),
            (c_float * count)(*[part.weight for part in parts]),
            count,
        )
        added = mixed and self._calls.ps_add_lm(self._decoder, b"mixed", mixed) == 0
        # Each part and the mixture are counted references: the decoder keeps its own.
        for model in [*models, mixed]:
            if model:
                self._calls.ngram_model_free(model)
        if not added or self._calls.ps_activate_search(self._decoder, b"mixed") != 0:
            raise SphinxError("pocketsphinx could not mix the language models: rebuild them")

    def _read_language_model(self, config: int, path: Path, log_math: int) -> int:
        model = self._calls.ngram_model_read(config, bytes(path), _ARPA_OR_BINARY, log_math)
        if not model:
            raise SphinxError(
                f"pocketsphinx cannot read the language model {path.name}: rebuild it"
            )
        return int(model)
