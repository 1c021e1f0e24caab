"""Chooses and loads the speech engines, side by side, and says why each one runs. Blocking.

It fetches nothing: server/engines/hub_watch.py does, in the background.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from models.catalog import Job, UnknownModel
from models.espeak import EspeakLibrary, EspeakSynthesizer
from models.language_model import LanguageModelFiles
from models.locate import Located, ModelUnusable, Places, resolve
from models.stt import Recognizer
from models.tts import Synthesizer
from server.engines.warm_up import warm_recognizer, warm_synthesizer
from server.errors import StartError
from server.settings import RecognizerChoice, Settings, SynthesizerChoice

_EMBEDDED_VOICES: Final = ("en-us", "en-us+f3", "en-us+m3", "en-gb-x-rp", "en-gb-scotland")
"""American, two of its variants, British, Scottish."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which weights an engine will use; None means the embedded engine, and `reason` says why."""

    located: Located | None
    reason: str


def choose_recognizer(settings: Settings) -> Choice:
    """Choose Whisper or pocketsphinx. Raises StartError when Whisper is demanded in vain."""
    if settings.stt is RecognizerChoice.POCKETSPHINX:
        return Choice(None, "PARLEY_STT asks for it.")
    is_demanded = settings.stt is RecognizerChoice.WHISPER
    return _choose(settings, settings.stt_model, Job.STT, is_demanded)


def choose_synthesizer(settings: Settings) -> Choice:
    """Choose Piper or espeak-ng. Raises StartError when Piper is demanded in vain."""
    if settings.tts is SynthesizerChoice.ESPEAK:
        return Choice(None, "PARLEY_TTS asks for it.")
    is_demanded = settings.tts is SynthesizerChoice.PIPER
    return _choose(settings, settings.tts_voice, Job.TTS, is_demanded)


def _choose(settings: Settings, model: str, job: Job, is_demanded: bool) -> Choice:
    try:
        located = resolve(model, job, Places(settings.models_dir, settings.hub_cache_dir))
    except (ModelUnusable, UnknownModel) as error:
        if is_demanded:
            raise StartError(str(error)) from error
        return Choice(None, str(error))
    return Choice(located, f"{model} is in the {located.place}")


def load_recognizer(
    settings: Settings, choice: Choice, language_model: LanguageModelFiles | None
) -> Recognizer:
    """Load the chosen recogniser. The modules are imported here: Whisper's alone takes 0.5 s."""
    if choice.located is not None:
        from models.whisper import CropSettings, WhisperRecognizer

        whisper = WhisperRecognizer(
            choice.located.path,
            cpu_threads=settings.stt_threads,
            workers=settings.stt_permits,
            crop=CropSettings(settings.stt_margin_frames),
        )
        warm_recognizer(whisper, settings.stt_permits)
        return whisper
    from models.sphinx import SphinxRecognizer

    recognizer = SphinxRecognizer(language_model, workers=settings.stt_permits)
    recognizer.wait_until_ready()
    return recognizer


def load_small_recognizer(settings: Settings) -> Recognizer | None:
    """Load PARLEY_STT_SMALL_MODEL; None without one. Raises StartError when it is not here."""
    if not settings.stt_small_model:
        return None
    choice = _choose(settings, settings.stt_small_model, Job.STT, True)
    return load_recognizer(settings, choice, None)


def load_synthesizer(settings: Settings, choice: Choice, library: EspeakLibrary) -> Synthesizer:
    """Load the chosen voice."""
    if choice.located is not None:
        from models.piper import PiperSynthesizer

        piper = PiperSynthesizer(choice.located.path, library, settings.tts_threads)
        warm_synthesizer(piper)
        return piper
    return EspeakSynthesizer(library, settings.espeak_voice)


@dataclass(frozen=True, slots=True)
class SpeechEngines:
    """Ears and voice, and what is said of them."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    notes: tuple[str, ...]
    small_recognizer: Recognizer | None = None
    voices: tuple[Synthesizer, ...] = ()
    """Others that a session may choose."""


def load_speech_engines(
    settings: Settings, language_model: LanguageModelFiles | None, library: EspeakLibrary
) -> SpeechEngines:
    """Choose and load both, side by side."""
    ears, voice = choose_recognizer(settings), choose_synthesizer(settings)
    with ThreadPoolExecutor(3) as pool:
        small = pool.submit(load_small_recognizer, settings)
        recognizer = pool.submit(load_recognizer, settings, ears, language_model)
        synthesizer = pool.submit(load_synthesizer, settings, voice, library)
        speaks = synthesizer.result()
        notes = (*notes_on(ears, voice), *_notes_on_words(speaks))
        return SpeechEngines(
            recognizer.result(), speaks, notes, small.result(), embedded_voices(library, speaks)
        )


def embedded_voices(library: EspeakLibrary, in_use: Synthesizer) -> tuple[Synthesizer, ...]:
    """Return espeak-ng's voices for a session to choose, without the one in use: they cost nothing
    until they speak.
    """
    voices = [EspeakSynthesizer(library, voice) for voice in _EMBEDDED_VOICES]
    return tuple(voice for voice in voices if voice.name != in_use.name)


def _notes_on_words(voice: Synthesizer) -> tuple[str, ...]:
    if voice.is_aligned:
        return ()
    return (f"{voice.name} does not time its phonemes: what was heard of an answer is estimated.",)


def notes_on(ears: Choice, voice: Choice) -> tuple[str, ...]:
    """Say plainly when an embedded engine stands in for the better one."""
    notes = []
    if ears.located is None:
        notes.append(f"pocketsphinx, which is embedded, hears. {ears.reason}")
    if voice.located is None:
        notes.append(f"espeak-ng, which is embedded, speaks. {voice.reason}")
    return tuple(notes)
