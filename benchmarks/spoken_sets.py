"""Speech with known words for the recognition measurements: spoken questions and recordings of
people.

It recognises and scores nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audio.endpoint import Endpointer, EndpointSettings, UtteranceEnded
from audio.pcm import Samples, to_mono
from audio.resample import resample
from audio.vad import VadModel, VadStream
from audio.wavfile import read_wav
from benchmarks.question_file import read_questions
from benchmarks.speak import DEFAULT_OUT, spoken_questions
from benchmarks.voices import parse_voices
from models.espeak import EspeakLibrary
from models.language_model import LanguageModelFiles, build_language_model
from models.stt import RATE_HZ
from rag.chunk import make_passages
from rag.documents import read_document
from server.settings import SAMPLES_DIR

LANGUAGE_MODEL_DIR = Path("benchmarks/out/language-model")
DEFAULT_RECORDINGS = Path("../shared/speech")


@dataclass(frozen=True, slots=True)
class SpokenItem:
    """`group` is the voice, or "recordings"; `speech` is mono at 16 kHz."""

    group: str
    words: str
    speech: Samples


def spoken_items(questions: Path, voices: str, every: int = 1) -> list[SpokenItem]:
    """Each question of a file in each voice; `every` takes one in so many, another one in each
    voice.
    """
    chosen = []
    for turn, voice in enumerate(parse_voices(voices)):
        listed = read_questions(questions)[turn % every :: every]
        chosen += spoken_questions(listed, [voice], DEFAULT_OUT)
    return [
        SpokenItem(str(one.voice), one.question.text, read_wav(one.path).samples) for one in chosen
    ]


def as_sessions_hear(items: Sequence[SpokenItem], pause_ms: int) -> list[SpokenItem]:
    """What a session would recognise of each: cropped to pre-roll, speech and `pause_ms` of rest.

    One that no speech is found in is left whole, so that it still counts.
    """
    model, tail = VadModel(), np.zeros(2 * RATE_HZ, np.float32)
    settings = EndpointSettings(silence_ms=1500, pause_ms=pause_ms)
    cropped = []
    for item in items:
        endpointer, parts = Endpointer(settings), []
        for window in VadStream(model).push(np.concatenate([tail, item.speech, tail])):
            for event in endpointer.push(window):
                if isinstance(event, UtteranceEnded):
                    parts.append(event.spoken)
        speech = np.concatenate(parts) if parts else item.speech
        cropped.append(SpokenItem(f"{item.group}, cropped at {pause_ms} ms", item.words, speech))
    return cropped


def recorded_items(folder: Path) -> list[SpokenItem]:
    """The recordings that transcripts.json of the folder lists; [] where there is none."""
    listing = folder / "transcripts.json"
    if not listing.exists():
        return []
    entries = json.loads(listing.read_text(encoding="utf-8"))
    return [
        SpokenItem("recordings", entry["text"], read_audio(folder / entry["file"]))
        for entry in entries
    ]


def read_audio(path: Path) -> Samples:
    """Any file that libsndfile reads, as mono at 16 kHz."""
    samples, rate_hz = soundfile.read(path, dtype="float32")
    return resample(to_mono(np.asarray(samples, np.float32)), rate_hz, RATE_HZ)


def sample_language_model(documents: Path = SAMPLES_DIR) -> LanguageModelFiles:
    """The language model of the sample documents: their passages only, never a question."""
    return build_language_model(
        passage_texts(documents), LANGUAGE_MODEL_DIR, EspeakLibrary().phonemes_of
    )


def passage_texts(documents: Path) -> Sequence[str]:
    """The text of every passage of a flat folder of documents."""
    paths = sorted(path for path in documents.iterdir() if path.is_file())
    return [passage.text for path in paths for passage in make_passages(read_document(path))]
