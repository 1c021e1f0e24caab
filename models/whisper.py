"""Speech recognition by faster-whisper, without its 30 s of padding; downloads and chooses no
model.

faster-whisper pads each utterance to 3,000 mel frames. CTranslate2 encodes any even number of
frames, so the encoder here gets the speech and a margin: base.en, 3 s of speech, one core: 98 ms
instead of 710. Too short a margin makes Whisper repeat itself (whisper.cpp issue 1951), so such
output is made again, padded.
"""

import copy
import hashlib
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples
from models.stt import RATE_HZ, Transcript, audio_ms_of

PADDED_FRAMES: Final = 3000
_SAMPLES_PER_FRAME: Final = 160
_LARGEST_COMPRESSION_RATIO: Final = 2.4  # OpenAI's own threshold for text that repeats
_TOKENS_PER_SECOND: Final = 8.0  # fast speech is about 5
_TOKENS_AT_LEAST: Final = 12
_TOKENS_AT_MOST: Final = 220  # half of the decoder's 448 positions, as in OpenAI's code
HOTWORD_TOKENS: Final = 48
"""What the words that are told may take: 10 ms of 107 in base.en (benchmarks.hotwords)."""
_PROMPT_TOKENS: Final = 2  # <|startoftranscript|><|notimestamps|>, of an English model


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How much the encoder hears, in mel frames of 10 ms; a margin of PADDED_FRAMES never crops."""

    margin_frames: int = 256
    floor_frames: int = 300

    def __post_init__(self) -> None:
        if self.margin_frames < 128:
            raise ValueError("margin_frames must be at least 128: shorter margins make loops")
        if not 300 <= self.floor_frames <= PADDED_FRAMES:
            raise ValueError(f"floor_frames must be 300 to {PADDED_FRAMES}")

    def frames_for(self, sample_count: int) -> int:
        """An even number of frames from the floor to 3,000 that holds the speech and the margin."""
        wanted = math.ceil(sample_count / _SAMPLES_PER_FRAME) + self.margin_frames
        return min(PADDED_FRAMES, max(self.floor_frames, wanted) + 1 & ~1)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One run of the model; the compression ratio is the worst of its segments."""

    text: str
    confidence: float
    compression_ratio: float
    token_count: int
    token_limit: int

    @property
    def is_bad(self) -> bool:
        is_cut_off = self.token_count >= self.token_limit
        return is_cut_off or self.compression_ratio > _LARGEST_COMPRESSION_RATIO


class WhisperRecognizer:
    """One model object for any number of long-lived worker threads."""

    def __init__(
        self,
        model_dir: Path,
        cpu_threads: int = 1,
        workers: int = 1,
        compute_type: str = "int8",
        crop: CropSettings | None = None,
        language: str = "en",
    ) -> None:
        """Loads the model: 0.5 s of imports and 0.1 to 0.5 s of weights.

        `workers` is how many threads may decode at once. Raises FileNotFoundError without a
        model.bin, and what CTranslate2 raises (RuntimeError, ValueError) for a damaged one.
        """
        if not (model_dir / "model.bin").is_file():
            raise FileNotFoundError(f"no Whisper model in {model_dir}: model.bin is missing")
        self._language = language
        self._model = _cropped_model(model_dir, cpu_threads, workers, compute_type)
        self.name = f"faster-whisper {model_dir.name}"
        self._weights = f"whisper-{_short_hash(model_dir / 'model.bin')}-{compute_type}-{language}"
        self._set(crop or CropSettings(), ())

    def with_crop(self, crop: CropSettings) -> Self:
        """Return a recogniser that crops otherwise; it shares the loaded model with this one."""
        other = copy.copy(self)
        other._set(crop, self.hotwords)
        return other

    def with_hotwords(self, words: Sequence[str]) -> Self:
        """Return a recogniser that expects these words, the most important first.

        They come before the text in the decoder, as if said before: as many as go into
        HOTWORD_TOKENS. It shares the loaded model with this one.
        """
        other = copy.copy(self)
        other._set(self._crop, self._fitting(words))
        return other

    def _fitting(self, words: Sequence[str]) -> tuple[str, ...]:
        """The first words that fit, each whole."""
        kept: tuple[str, ...] = ()
        for word in words:
            if self._token_count((*kept, word)) > HOTWORD_TOKENS:
                break
            kept = (*kept, word)
        return kept

    def _token_count(self, words: Sequence[str]) -> int:
        """As faster-whisper counts it: the words after a space."""
        text = f" {_joined(words)}"
        return len(self._model.hf_tokenizer.encode(text, add_special_tokens=False).ids)

    def _set(self, crop: CropSettings, hotwords: tuple[str, ...]) -> None:
        self._crop, self.hotwords = crop, hotwords
        told = f"-{hashlib.sha256(_joined(hotwords).encode()).hexdigest()[:16]}" if hotwords else ""
        self.fingerprint = f"{self._weights}-{crop.margin_frames}-{crop.floor_frames}{told}"
        before = 1 + self._token_count(hotwords) if hotwords else 0  # <|startofprev|>
        self._prompt_tokens = _PROMPT_TOKENS + before

    def recognise(self, speech: Samples) -> Transcript:
        """See `Recognizer`."""
        if len(speech) == 0:
            return Transcript("", self.name, 1.0, 0)
        frames = self._crop.frames_for(len(speech))
        reading = self._read(speech, frames)
        is_rerun = reading.is_bad and frames < PADDED_FRAMES
        if is_rerun:
            frames, reading = PADDED_FRAMES, self._read(speech, PADDED_FRAMES)
        return Transcript(
            reading.text,
            self.name,
            reading.confidence,
            audio_ms_of(speech),
            {
                "encoder_frames": frames,
                "rerun_padded": is_rerun,
                "compression_ratio": round(reading.compression_ratio, 3),
                "tokens": reading.token_count,
                "hotwords": len(self.hotwords),
            },
        )

    def _read(self, speech: Samples, frames: int) -> _Reading:
        limit = _token_limit(len(speech))
        with self._model.encoding_at_most(frames):
            found, _ = self._model.transcribe(
                speech,
                language=self._language,
                beam_size=1,
                temperature=0.0,
                without_timestamps=True,
                condition_on_previous_text=False,
                vad_filter=False,
                max_new_tokens=self._asked_tokens(limit),
                hotwords=_joined(self.hotwords) or None,
            )
            segments = list(found)
        return _reading_of(segments, limit)

    def _asked_tokens(self, limit: int) -> int:
        """What to ask faster-whisper for so that `limit` tokens and the end are made.

        CTranslate2 gives to what is generated half of prompt and max_new_tokens together, or what
        the prompt leaves of both where that is less. Twice the limit beside a prompt would let a
        loop run on to twice the limit.
        """
        return max(limit, 2 * limit + _PROMPT_TOKENS - self._prompt_tokens)


def _token_limit(sample_count: int) -> int:
    by_duration = math.ceil(_TOKENS_AT_LEAST + _TOKENS_PER_SECOND * sample_count / RATE_HZ)
    return min(_TOKENS_AT_MOST, by_duration)


def _joined(words: Sequence[str]) -> str:
    return ", ".join(words)


def _reading_of(segments: list[Any], limit: int) -> _Reading:
    scores = [float(segment.avg_logprob) for segment in segments]
    return _Reading(
        text=" ".join("".join(segment.text for segment in segments).split()),
        confidence=min(1.0, math.exp(sum(scores) / len(scores))) if scores else 0.0,
        compression_ratio=max((float(s.compression_ratio) for s in segments), default=0.0),
        token_count=max((len(segment.tokens) for segment in segments), default=0),
        token_limit=limit,
    )


def _cropped_model(model_dir: Path, cpu_threads: int, workers: int, compute_type: str) -> Any:
    from faster_whisper import WhisperModel  # 0.5 s, not paid by whom it does not serve

    class CroppedModel(WhisperModel):  # type: ignore[misc]
        """Encodes at most as many frames as the calling thread has asked for."""

        def __init__(self) -> None:
            self._asked = threading.local()
            super().__init__(
                str(model_dir),
                device="cpu",
                compute_type=compute_type,
                cpu_threads=cpu_threads,
                num_workers=workers,
                local_files_only=True,
            )

        @contextmanager
        def encoding_at_most(self, frames: int) -> Iterator[None]:
            self._asked.frames = frames
            try:
                yield
            finally:
                self._asked.frames = PADDED_FRAMES

        def encode(self, features: NDArray[np.float32]) -> Any:
            frames = getattr(self._asked, "frames", PADDED_FRAMES)
            return super().encode(np.ascontiguousarray(features[..., :frames]))

    return CroppedModel()


def _short_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
