"""espeak-ng out of the piper-tts wheel: speech, phonemes, and the one lock round its state.

The wheel's espeakbridge library links all of espeak-ng and exports its C API, so nothing else is
installed. Its state (voice, rate, callback, buffers) is the process's: whoever touches it, Piper's
phonemizer included, does so through an `EspeakLibrary`. It rewrites no text.
"""

import ctypes
import hashlib
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from models.tts import Speech, SynthesisError, check_request
from models.unspeakable import without_unspeakable
from models.voice_finish import finished_speech
from models.word_times import Knot, ends_by_characters

_SYNCHRONOUS: Final = 2
"""espeak_AUDIO_OUTPUT: the callback runs inside espeak_Synth, on the calling thread. Piper's bridge
initialises with the same mode, so the two may come in any order."""
_RATE_PARAMETER: Final = 1
_UTF8: Final = 1
_IPA: Final = 2
_SLOWEST_WPM: Final = 80
_FASTEST_WPM: Final = 450
_LIBRARY_SUFFIXES: Final = (".so", ".pyd", ".dylib")
_SCALE: Final = np.float32(1 / 32768)

_NO_MORE_EVENTS: Final = 0
_WORD_BEGINS: Final = 1
_CLAUSE_ENDS: Final = 5


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_: ClassVar = [
        ("kind", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_SynthCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class EspeakSound:
    """Sound as espeak-ng makes it, untrimmed, and where its words begin."""

    samples: NDArray[np.int16]
    words: tuple[Knot, ...]
    """Character of the text as it was spoken, from 0, and the sample at which it begins."""


class EspeakUnavailableError(RuntimeError):
    """espeak-ng cannot be loaded; the message says what to install."""


class EspeakLibrary:
    """Make one per process and hand it to everything that speaks or needs phonemes."""

    _state: ClassVar[threading.Lock] = threading.Lock()
    """On the class, for the state that it guards is the process's: a second object stays safe."""

    def __init__(self) -> None:
        path, voices_dir = _find_files()
        self._library = _load(path)
        with self._state:
            rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, str(voices_dir).encode(), 0)
            version = self._library.espeak_Info(None).decode()
        if rate_hz <= 0:
            raise EspeakUnavailableError(
                f"espeak-ng refused to start with the voices in {voices_dir}"
            )
        self.rate_hz: int = rate_hz
        self.fingerprint = f"espeak-ng-{version}-{_short_hash(path)}"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold espeak's state alone, for code that reaches it by another way (Piper's bridge)."""
        with self._state:
            yield

    def has_voice(self, voice: str) -> bool:
        """Whether espeak-ng knows this name or language code; the voice is then set."""
        with self._state:
            return self._is_voice_set(voice)

    def phonemes_of(self, text: str, voice: str = "en-us") -> str:
        """IPA with stress marks, clauses joined by a space; "" for text without sound.

        Raises SynthesisError for an unknown voice.
        """
        buffer = ctypes.create_string_buffer(without_unspeakable(text).encode())
        position = ctypes.c_void_p(ctypes.addressof(buffer))
        clauses = []
        with self._state:
            self._set_voice(voice)
            while position.value:  # each call reads one clause and moves the position behind it
                clauses.append(
                    self._library.espeak_TextToPhonemes(ctypes.byref(position), _UTF8, _IPA)
                )
        return " ".join(b" ".join(clauses).decode().split())

    def speak(self, text: str, voice: str, words_per_minute: int) -> EspeakSound:
        """Sound at `rate_hz`. espeak-ng hands it over in pieces of about 60 ms; a whole sentence
        is made in 1 to 20 ms, so they are joined here.

        Raises SynthesisError for an unknown voice or a text that espeak-ng refuses.
        """
        pieces: list[NDArray[np.int16]] = []
        words: list[Knot] = []

        def receive(wave: Any, count: int, events: Any) -> int:
            if wave and count > 0:
                pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
            words.extend(_knots(events))
            return 0

        encoded = without_unspeakable(text).encode()
        callback = _SynthCallback(receive)
        with self._state:
            self._set_voice(voice)
            self._library.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0)
            self._library.espeak_SetSynthCallback(callback)
            status = self._library.espeak_Synth(
                encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None
            )
        if status != 0:
            raise SynthesisError(f"espeak-ng could not speak {len(text)} characters: code {status}")
        return EspeakSound(
            np.concatenate(pieces) if pieces else np.zeros(0, np.int16), tuple(words)
        )

    def _set_voice(self, voice: str) -> None:
        """espeak-ng takes 0.1 ms for it, and Piper's bridge may have set another meanwhile."""
        if not self._is_voice_set(voice):
            raise SynthesisError(
                f"espeak-ng has no voice named {voice!r}; try en-us, en (British) or de"
            )

    def _is_voice_set(self, voice: str) -> bool:
        return bool(self._library.espeak_SetVoiceByName(voice.encode()) == 0)


class EspeakSynthesizer:
    """A robotic but clear voice that needs no model file: 22,050 Hz, 1 to 20 ms a sentence."""

    def __init__(
        self, library: EspeakLibrary, voice: str = "en-us", words_per_minute: int = 165
    ) -> None:
        if not library.has_voice(voice):
            raise ValueError(
                f"espeak-ng has no voice named {voice!r}; try en-us, en (British) or de"
            )
        self._library = library
        self._voice = voice
        self._words_per_minute = words_per_minute
        self.name = f"espeak-ng {voice}"
        self.fingerprint = f"{library.fingerprint}-{voice}-{words_per_minute}"
        self.rate_hz = library.rate_hz
        self.is_aligned = True

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        """See `Synthesizer`; the voice itself speaks 80 to 450 words a minute, never beyond."""
        check_request(sentence, speed)
        if not any(character.isalnum() for character in sentence):
            return Speech(np.zeros(0, np.int16), self.rate_hz, self.name)
        sound = self._library.speak(sentence, self._voice, self._rate_at(speed))
        spoken = without_unspeakable(sentence)
        ends = ends_by_characters(spoken, sound.words, len(sound.samples))
        is_same = len(ends) == len(sentence.split())
        return finished_speech(
            sound.samples * _SCALE, self.rate_hz, self.name, ends if is_same else ()
        )

    def _rate_at(self, speed: float) -> int:
        return max(_SLOWEST_WPM, min(_FASTEST_WPM, round(self._words_per_minute * speed)))


def _knots(events: Any) -> Iterator[Knot]:
    position = 0
    while events and events[position].kind != _NO_MORE_EVENTS:
        event = events[position]
        if event.kind in (_WORD_BEGINS, _CLAUSE_ENDS):
            yield event.text_position - 1, event.sample
        position += 1


def _find_files() -> tuple[Path, Path]:
    """The wheel's native library, under whatever suffix this platform gives it, and the voices."""
    found = importlib.util.find_spec("piper")
    folder = Path(found.origin).parent if found and found.origin else None
    if folder is not None:
        for path in sorted(folder.glob("espeakbridge*")):
            if path.suffix in _LIBRARY_SUFFIXES:
                return path, folder / "espeak-ng-data"
    raise EspeakUnavailableError(
        "espeak-ng is not there: install the package piper-tts, whose wheel carries it"
    )


def _load(path: Path) -> ctypes.CDLL:
    """Declares what is called, because ctypes' default int would cut pointers on 64 bits."""
    try:
        library = ctypes.CDLL(str(path))
        library.espeak_Info.restype = ctypes.c_char_p
        library.espeak_Info.argtypes = [ctypes.c_void_p]
        library.espeak_Initialize.argtypes = [
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
        ]
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        library.espeak_SetParameter.argtypes = [ctypes.c_int] * 3
        library.espeak_SetSynthCallback.argtypes = [_SynthCallback]
        library.espeak_SetSynthCallback.restype = None
        library.espeak_TextToPhonemes.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
            ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
    except (OSError, AttributeError) as error:
        raise EspeakUnavailableError(f"{path.name} cannot be used for speech: {error}") from error
    return library


def _short_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
