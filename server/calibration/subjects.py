"""The engines in use as things to be measured: who they are, and how to load one with n threads.

It measures nothing and chooses nothing. benchmarks/standin.py makes such subjects of stand-ins.
"""

import importlib.metadata
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audio.pcm import Samples, to_float
from audio.resample import resample
from audio.wavfile import read_wav
from models.batching import BatchingEmbedder
from models.digest import DigestRecord
from models.espeak import EspeakLibrary, EspeakSynthesizer
from models.language_model import LanguageModelError, LanguageModelFiles, load_language_model
from models.minilm_weights import FINGERPRINT
from models.stt import RATE_HZ
from models.tts import Synthesizer
from server.calibration.crop import Hear, Heard
from server.calibration.record import CalibratedStage, Identity
from server.calibration.timing import Work
from server.engines.loading import Choice, choose_recognizer, choose_synthesizer
from server.engines.preparation import load_embedder
from server.settings import CHECKOUT, Settings
from server.watching.machine import usable_cores

if TYPE_CHECKING:
    from models.whisper import WhisperRecognizer

WHEEL: Final = "wheel"
CALLERS_MAXIMUM: Final = 8
SEARCH_CALLERS: Final = 4
"""At least, whatever the cores: those that wait are embedded together (models/batching.py)."""
SPHINX_CALLERS_MAXIMUM: Final = 4
"""Each of its workers holds 190 MB."""
THREADS_MAXIMUM: Final = 8

QUESTION: Final = "What time does the last boat come back on a Sunday?"
"""Three seconds of speech: what a recognition is timed with."""
SHORT_QUESTION: Final = "Where is the nearest car park?"
"""What pocketsphinx is timed with, which takes up to a second for each second of speech."""
SENTENCE: Final = "The last boat leaves the pier at half past five."
"""Close to three seconds of speech: what a synthesis is timed with."""
SENTENCES: Final = (
    QUESTION,
    "Yes, please.",
    "Can I bring my dog on the ferry if it stays on a lead?",
    "I would like to change my booking from Tuesday morning to Friday afternoon, if there is room.",
    "Hello.",
    SHORT_QUESTION,
    "My order number is four seven two nine one.",
)
"""From half a second to six: a crop must hold for each length."""
RECORDINGS_DIR: Final = CHECKOUT / "tests" / "speech"


@dataclass(frozen=True, slots=True)
class CropSubject:
    """How to hear under any margin, and what is played to it; both are made when asked for."""

    hear: Hear
    samples: Callable[[], Sequence[Samples]]


@dataclass(frozen=True, slots=True)
class Subject:
    """One engine. `make(threads, margin_frames)` loads it and returns one typical call.

    The loaded engine serves `callers_maximum` calls at once. The margin concerns those alone that
    have a `crop`.
    """

    identity: Identity
    make: Callable[[int, int], Work]
    thread_counts: tuple[int, ...]
    callers_maximum: int
    crop: CropSubject | None = None


def identities(settings: Settings) -> tuple[Identity, ...]:
    """Tell the engines that the settings choose, loading none. Raises StartError as loading does.

    A weights file that was hashed before is not read again.
    """
    record = DigestRecord(settings.models_dir)
    found = (
        _recognizer_identity(choose_recognizer(settings), record),
        embedder_identity(),
        _synthesizer_identity(choose_synthesizer(settings), record),
    )
    record.save_if_possible()
    return found


def embedder_identity() -> Identity:
    """Tell who finds; its fingerprint contains the hash of its weights."""
    return Identity(CalibratedStage.SEARCH, FINGERPRINT, WHEEL, libraries("ctranslate2"))


def subjects(settings: Settings, say: Callable[[str], None]) -> tuple[Subject, ...]:
    """Make a subject of each engine that the settings choose; engines load when measured."""
    library = EspeakLibrary()
    ears, voice = choose_recognizer(settings), choose_synthesizer(settings)
    hears, finds, speaks = identities(settings)
    return (
        _sphinx(hears, settings, library)
        if ears.located is None
        else whisper_subject(
            hears, _whisper_maker(ears.located.path), lambda: _samples(settings, voice, library)
        ),
        embedder_subject(finds, settings, say),
        _espeak(speaks, settings, library)
        if voice.located is None
        else piper_subject(speaks, _piper_maker(voice.located.path, library)),
    )


def libraries(*names: str) -> tuple[str, ...]:
    """Name and version of each distribution."""
    return tuple(f"{name} {importlib.metadata.version(name)}" for name in names)


def whisper_subject(
    identity: Identity,
    load: "Callable[[int, int], WhisperRecognizer]",
    samples: Callable[[], Sequence[Samples]] | None,
) -> Subject:
    """Make a subject of `load(threads, workers)`; without samples its crop is not judged."""
    from models.whisper import CropSettings

    workers = callers()
    speech = spoken(EspeakSynthesizer(EspeakLibrary()), QUESTION)
    loaded: dict[int, WhisperRecognizer] = {}
    loading = threading.Lock()

    def at(threads: int, margin_frames: int) -> "WhisperRecognizer":
        """Keep one thread's model, which every comparison needs, and the last other."""
        with loading:
            if threads not in loaded:
                for other in [count for count in loaded if count != 1]:
                    del loaded[other]
                loaded[threads] = load(threads, workers)
            return loaded[threads].with_crop(CropSettings(margin_frames))

    def make(threads: int, margin_frames: int) -> Work:
        recognizer = at(threads, margin_frames)
        return lambda: recognizer.recognise(speech)

    def hear(sample: Samples, margin_frames: int) -> Heard:
        transcript = at(1, margin_frames).recognise(sample)
        return Heard(transcript.text, bool(transcript.details["rerun_padded"]))

    crop = CropSubject(hear, samples) if samples is not None else None
    return Subject(identity, make, thread_counts(), workers, crop)


def piper_subject(identity: Identity, load: Callable[[int], Synthesizer]) -> Subject:
    """Make a subject of `load(threads)`."""

    def make(threads: int, margin_frames: int) -> Work:
        synthesizer = load(threads)
        return lambda: synthesizer.synthesise(SENTENCE)

    return Subject(identity, make, thread_counts(), callers())


def embedder_subject(identity: Identity, settings: Settings, say: Callable[[str], None]) -> Subject:
    """Embedding a question is most of a search. Its weights are converted here, on the first call,
    because that takes longer than the measurement.
    """
    embedder = BatchingEmbedder(load_embedder(settings, say))

    def make(threads: int, margin_frames: int) -> Work:
        return lambda: embedder.embed([QUESTION])

    return Subject(identity, make, (), max(SEARCH_CALLERS, callers()))


def spoken(synthesizer: Synthesizer, sentence: str) -> Samples:
    """Return speech as a recogniser takes it."""
    speech = synthesizer.synthesise(sentence)
    return resample(to_float(speech.samples), speech.rate_hz, RATE_HZ)


def thread_counts() -> tuple[int, ...]:
    """2, 4 and 8, as far as there are cores."""
    most = min(THREADS_MAXIMUM, usable_cores())
    return tuple(1 << power for power in range(1, most.bit_length()) if 1 << power <= most)


def callers() -> int:
    """As many calls at once as there are cores, up to CALLERS_MAXIMUM."""
    return min(CALLERS_MAXIMUM, usable_cores())


def _recognizer_identity(choice: Choice, record: DigestRecord) -> Identity:
    if choice.located is None:
        return Identity(CalibratedStage.STT, "pocketsphinx en-us", WHEEL, libraries("pocketsphinx"))
    weights = record.sha256(choice.located.path / "model.bin")[:16]
    name = f"faster-whisper {choice.located.entry.name}"
    used = libraries("faster-whisper", "ctranslate2")
    return Identity(CalibratedStage.STT, name, weights, used)


def _synthesizer_identity(choice: Choice, record: DigestRecord) -> Identity:
    if choice.located is None:
        return Identity(CalibratedStage.TTS, "espeak-ng", WHEEL, libraries("piper-tts"))
    weights = record.sha256(choice.located.path)[:16]
    name = f"piper {choice.located.entry.name}"
    return Identity(CalibratedStage.TTS, name, weights, libraries("piper-tts", "onnxruntime"))


def _whisper_maker(model_dir: Path) -> "Callable[[int, int], WhisperRecognizer]":
    def load(threads: int, workers: int) -> "WhisperRecognizer":
        from models.whisper import WhisperRecognizer  # 0.5 s, not paid by whom it does not serve

        return WhisperRecognizer(model_dir, cpu_threads=threads, workers=workers)

    return load


def _piper_maker(voice_path: Path, library: EspeakLibrary) -> Callable[[int], Synthesizer]:
    def load(threads: int) -> Synthesizer:
        from models.piper import PiperSynthesizer

        return PiperSynthesizer(voice_path, library, threads)

    return load


def _sphinx(identity: Identity, settings: Settings, library: EspeakLibrary) -> Subject:
    speech = spoken(EspeakSynthesizer(library), SHORT_QUESTION)
    workers = min(SPHINX_CALLERS_MAXIMUM, callers())

    def make(threads: int, margin_frames: int) -> Work:
        from models.sphinx import SphinxRecognizer

        recognizer = SphinxRecognizer(_language_model(settings), workers)
        recognizer.wait_until_ready()
        return lambda: recognizer.recognise(speech)

    return Subject(identity, make, (), workers)


def _language_model(settings: Settings) -> LanguageModelFiles | None:
    """The one that serving has built, if any; what it weighs does not depend on its words."""
    try:
        return load_language_model(settings.prepared_dir / "language-model")
    except LanguageModelError:
        return None


def _espeak(identity: Identity, settings: Settings, library: EspeakLibrary) -> Subject:
    def make(threads: int, margin_frames: int) -> Work:
        synthesizer = EspeakSynthesizer(library, settings.espeak_voice)
        return lambda: synthesizer.synthesise(SENTENCE)

    return Subject(identity, make, (), callers())


def _samples(settings: Settings, voice: Choice, library: EspeakLibrary) -> list[Samples]:
    """Recordings of the checkout, where it is one, and the sentences in the voice in use, mixed."""
    speaker: Synthesizer = EspeakSynthesizer(library, settings.espeak_voice)
    if voice.located is not None:
        speaker = _piper_maker(voice.located.path, library)(1)
    sentences = [spoken(speaker, sentence) for sentence in SENTENCES]
    recordings = [_recording(path) for path in sorted(RECORDINGS_DIR.glob("*.wav"))]
    alternating = [pair for both in zip(sentences, recordings, strict=False) for pair in both]
    rest = max(sentences, recordings, key=len)[min(len(sentences), len(recordings)) :]
    return [*alternating, *rest]


def _recording(path: Path) -> Samples:
    recording = read_wav(path)
    return resample(recording.samples, recording.rate_hz, RATE_HZ)
