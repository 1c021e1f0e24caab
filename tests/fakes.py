"""Engines that answer at once, late, or not at all, and a wire that keeps what was sent."""

import asyncio
import json
import re
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples
from models.stt import Transcript
from models.tts import Speech


class FakeRecognizer:
    """Hears the same words in everything, or others in what is quiet; can be held, and fail."""

    name = "fake recogniser"
    fingerprint = "fake-stt-1"

    def __init__(self, text: str = "what does it cost") -> None:
        self.text = text
        self.quiet_text, self.quiet_peak = "", 0.0
        self.heard: list[int] = []
        self.running, self.peak = 0, 0
        self.error: Exception | None = None
        self.started = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def recognise(self, speech: Samples) -> Transcript:
        self.heard.append(len(speech))
        self.running += 1
        self.peak = max(self.peak, self.running)
        self.started.set()
        assert self.go.wait(10)
        self.running -= 1
        if self.error is not None:
            raise self.error
        is_quiet = abs(speech).max(initial=0.0) < self.quiet_peak
        text = self.quiet_text if is_quiet else self.text
        return Transcript(text, self.name, 1.0, len(speech) // 16, {})


class FakeSynthesizer:
    """Speaks a tone, of 10 ms a character unless told otherwise."""

    name = "fake voice"
    fingerprint = "fake-tts-1"
    rate_hz = 8000
    is_aligned = False

    def __init__(self) -> None:
        self.character_ms = 10
        self.sentences: list[str] = []
        self.error: Exception | None = None
        self.go = threading.Event()
        self.go.set()

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        self.sentences.append(sentence)
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        times = np.arange(len(sentence) * self.character_ms * self.rate_hz // 1000) / self.rate_hz
        tone = np.sin(2 * np.pi * 440 * times) * 8000
        return Speech(tone.astype(np.int16), self.rate_hz, self.name)


@dataclass(slots=True)
class FakeWire:
    """Keeps events and counts audio; can refuse to take more."""

    events: list[dict[str, Any]] = field(default_factory=list)
    audio_bytes: int = 0
    is_stuck: bool = False
    gone: Exception | None = None
    on_audio: Callable[[], None] = lambda: None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: str | bytes) -> None:
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.gone is not None:
            raise self.gone
        if isinstance(message, bytes):
            self.audio_bytes += len(message)
            self.on_audio()
        else:
            self.events.append(json.loads(message))
        self._changed.set()

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def last(self, kind: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == kind)

    async def wait_for(self, kind: str, count: int = 1, timeout_s: float = 10) -> dict[str, Any]:
        """Return the event once `count` of its type have been sent."""
        async with asyncio.timeout(timeout_s):
            while self.types().count(kind) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.last(kind)


class FakeMessages:
    """What a client sends, as an async iterator that the test feeds and ends."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._is_asked = False

    @property
    def is_read(self) -> bool:
        """Whether the session has done with all that was sent and asks for more."""
        return self._is_asked and self._queue.empty()

    def send(self, *messages: str | bytes | dict[str, Any]) -> None:
        for message in messages:
            is_event = isinstance(message, dict)
            self._queue.put_nowait(json.dumps(message) if is_event else message)  # type: ignore[arg-type]

    def end(self) -> None:
        self._queue.put_nowait(None)

    def __aiter__(self) -> "FakeMessages":
        return self

    async def __anext__(self) -> str | bytes:
        self._is_asked = True
        message = await self._queue.get()
        self._is_asked = False
        if message is None:
            raise StopAsyncIteration
        return message


class FakeEmbedder:
    """A bag of hashed words: texts that share words are alike."""

    name = "fake embedder"
    fingerprint = "fake-embedder-1"
    dimension = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.full((len(texts), self.dimension), 1e-3, np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                vectors[row, zlib.crc32(word.encode()) % self.dimension] += 1
        normalised: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised
