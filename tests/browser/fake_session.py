"""One scripted connection of the fake server: speaks the protocol of /ws, understands no speech."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection

from tests.browser.signals import from_pcm16, sweep

VOICE_HZ = 22050
LEAD_S = 0.4
CHUNK_MS = 40
SPEECH_RMS = 0.02
SILENCE_MS = 500
FRAME_MS = 20

Event = dict[str, Any]

SOURCES = [
    {
        "document": "harbour.md",
        "title": "The harbour",
        "heading": "Opening hours",
        "passage": "The harbour office opens at nine in the morning and closes at five. On Sundays "
        "the gate is worked by the keeper, who can be reached by the bell at the lock.",
        "passage_id": "p-17",
        "score": 0.8342,
        "sentence": "The harbour office opens at nine in the morning and closes at five.",
    },
    {
        "document": "guide.pdf",
        "title": "Visitor's guide",
        "heading": "Mooring",
        "passage": "Visitors moor at the east quay and pay at the office within a day.",
        "passage_id": "p-4",
        "score": 0.5121,
        "sentence": "Visitors pay at the office.",
    },
]

SEGMENTS = {
    "endpoint_wait": 503.2,
    "queue_stt": 0.4,
    "stt_final": 96.1,
    "embed": 2.3,
    "search": 0.7,
    "answer_first": 3.4,
    "queue_tts": 1.1,
    "tts_first": 118.6,
    "send": 0.6,
}


@dataclass(frozen=True, slots=True)
class Script:
    """What the fake server says, whatever it is asked."""

    question: str = "When does the harbour office open?"
    sentences: tuple[str, ...] = (
        "The harbour office opens at nine in the morning and closes at five.",
        "On Sundays the keeper works the gate.",
        "That is in the harbour guide, under opening hours.",
    )
    seconds: float = 1.2
    sources: tuple[Mapping[str, Any], ...] = tuple(SOURCES)
    outcome: str = "answered"
    is_deaf_to_cancel: bool = False
    """Keeps talking when told to stop, as a server does while the request is on its way."""
    voices: tuple[str, ...] = ("espeak-ng en-us",)
    accepted: tuple[str, ...] = (".md", ".pdf", ".txt")
    """Endings of documents that it takes; none at all turns uploads off."""
    documents: int = 6
    topics: tuple[str, ...] = ("mooring", "the east quay", "Sunday hours")
    engines: Mapping[str, str] = field(
        default_factory=lambda: {
            "stt": "pocketsphinx en-us + your documents",
            "tts": "espeak-ng",
            "embedder": "all-MiniLM-L6-v2 int8",
            "answer": "extractive",
        }
    )
    notes: tuple[str, ...] = (
        "No model hub was reached, so the embedded engines answer. "
        "Run parley models fetch with a connection for better recognition and a natural voice.",
    )


class SpeechGate:
    """Finds utterances by level alone: enough for a WAV with silence round it."""

    def __init__(self) -> None:
        self.is_open = False
        self.heard_ms = 0
        self._silent_ms = 0

    def push(self, pcm: bytes) -> str:
        """Returns "started", "stopped" or ""."""
        self.heard_ms += FRAME_MS
        is_loud = float(np.sqrt(np.mean(from_pcm16(pcm) ** 2))) > SPEECH_RMS
        self._silent_ms = 0 if is_loud else self._silent_ms + FRAME_MS
        if is_loud and not self.is_open:
            self.is_open = True
            return "started"
        if self.is_open and self._silent_ms >= SILENCE_MS:
            self.is_open = False
            return "stopped"
        return ""


class FakeSession:
    """Records what the client sends; plays the script when it was asked something."""

    def __init__(self, connection: ServerConnection, script: Script) -> None:
        self.pcm = bytearray()
        self.frame_sizes: list[int] = []
        self.events: list[Event] = []
        self.output: Event = {"voice": script.voices[0], "speed": 1.0}
        self.uploaded: dict[str, bytes] = {}
        self._connection = connection
        self._script = script
        self._gate = SpeechGate()
        self._numbers = itertools.count(1)
        self._turn: asyncio.Task[None] | None = None
        self._typed_item_id = ""

    async def run(self) -> None:
        """Serves until the connection closes. Raises ConnectionClosed, alone or in a group."""
        await self.send("session.created", session=self._describe())
        async with asyncio.TaskGroup() as self._tasks:
            async for message in self._connection:
                if isinstance(message, bytes):
                    await self._hear(message)
                else:
                    await self._handle(json.loads(message))
            await self._cancel()

    async def send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_id": f"event_{next(self._numbers)}", **fields}
        await self._connection.send(json.dumps(event))

    def _describe(self) -> Event:
        script = self._script
        return {
            "id": "sess_1",
            "type": "realtime",
            "object": "realtime.session",
            "model": "parley",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 16000},
                    "turn_detection": {"type": "semantic_vad"},
                },
                "output": {"format": {"type": "audio/pcm", "rate": VOICE_HZ}} | self.output,
            },
            "parley": {
                "version": "0.1.0",
                "preset": "development",
                "engines": dict(script.engines),
                "notes": list(script.notes),
                "index": {"documents": script.documents, "passages": 8 * script.documents},
                "topics": list(script.topics),
                "voices": list(script.voices),
            }
            | self._uploads(),
        }

    def _uploads(self) -> Event:
        if not self._script.accepted:
            return {}
        return {"uploads": {"accepted": self._script.accepted, "maximum_bytes": 1_000_000}}

    async def _hear(self, pcm: bytes) -> None:
        self.pcm += pcm
        self.frame_sizes.append(len(pcm))
        change = self._gate.push(pcm)
        if change == "started":
            await self._start_hearing()
        elif change == "stopped":
            await self._commit()

    async def _start_hearing(self) -> None:
        await self._cancel()
        await self.send(
            "input_audio_buffer.speech_started",
            audio_start_ms=self._gate.heard_ms,
            item_id="item_pending",
        )

    async def _commit(self) -> None:
        item_id = f"item_{next(self._numbers)}"
        await self.send(
            "input_audio_buffer.speech_stopped",
            audio_end_ms=self._gate.heard_ms,
            item_id=item_id,
        )
        await self.send("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
        await self.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=self._script.question,
        )
        self._begin_turn(SEGMENTS, item_id)

    async def _handle(self, event: Event) -> None:
        self.events.append(event)
        if event["type"].startswith("parley.upload."):
            await self._take_upload(event)
        elif event["type"] == "session.update":
            self.output |= event["session"]["audio"].get("output", {})
            await self.send("session.updated", session=self._describe())
        elif event["type"] == "conversation.item.truncate":
            await self.send("conversation.item.truncated", item_id=event["item_id"])
        elif event["type"] == "conversation.item.create":
            self._typed_item_id = f"item_{next(self._numbers)}"
            item = event["item"] | {"id": self._typed_item_id}
            await self.send("conversation.item.added", item=item)
        elif event["type"] == "response.create":
            segments = {name: ms for name, ms in SEGMENTS.items() if name != "endpoint_wait"}
            self._begin_turn(segments, self._typed_item_id)
        elif event["type"] == "response.cancel" and not self._script.is_deaf_to_cancel:
            await self._cancel()
        elif event["type"] == "input_audio_buffer.commit":
            self._gate.is_open = False
            await self._commit()

    async def _take_upload(self, event: Event) -> None:
        """Takes every document but those called "broken"; keeps their bytes by name."""
        upload_id = event["upload_id"]
        if event["type"] == "parley.upload.begin":
            self._upload = event
            self.uploaded[event["name"]] = b""
        name, place = self._upload["name"], {"upload_id": upload_id, "name": self._upload["name"]}
        if event["type"] == "parley.upload.append":
            self.uploaded[name] += base64.b64decode(event["data"])
        if event["type"] != "parley.upload.end":
            received = len(self.uploaded[name])
            await self.send(
                "parley.upload.progress", **place, stage="receiving", received_bytes=received
            )
        elif name.startswith("broken"):
            await self.send("parley.upload.failed", **place, message="It is damaged.")
        else:
            await self.send("parley.upload.progress", **place, stage="reading")
            index = {"documents": 7, "passages": 51}
            await self.send("parley.upload.done", **place, passages=3, index=index)

    async def _cancel(self) -> None:
        if self._turn is None or self._turn.done():
            return
        self._turn.cancel()
        await asyncio.gather(self._turn, return_exceptions=True)

    def _begin_turn(self, segments: dict[str, float], item_id: str) -> None:
        self._turn = self._tasks.create_task(self._answer(segments, item_id))

    async def _answer(self, segments: dict[str, float], item_id: str) -> None:
        response_id = f"resp_{next(self._numbers)}"
        status, outcome = "completed", self._script.outcome
        try:
            await self._speak(response_id, f"{response_id}_item")
        except asyncio.CancelledError:
            status, outcome = "cancelled", "cancelled"
        await self.send("response.done", response={"id": response_id, "status": status})
        await self.send(
            "parley.turn",
            response_id=response_id,
            item_id=item_id,
            outcome=outcome,
            transcript=self._script.question,
            answer=" ".join(self._script.sentences),
            segments=segments,
            voice_to_voice_ms=sum(segments.values()),
            engines=dict(self._script.engines),
            cache={"tts": "hit", "stt": "miss"},
        )

    async def _speak(self, response_id: str, item_id: str) -> None:
        place = {"response_id": response_id, "item_id": item_id, "output_index": 0}
        await self.send("response.created", response={"id": response_id, "status": "in_progress"})
        item = {"id": item_id, "type": "message", "role": "assistant"}
        await self.send("response.output_item.added", response_id=response_id, item=item)
        sources = [dict(source) for source in self._script.sources]
        await self.send("parley.sources", response_id=response_id, item_id=item_id, sources=sources)
        await self._speak_sentences(place)
        await self.send("response.output_audio.done", **place)
        transcript = " ".join(self._script.sentences)
        await self.send("response.output_audio_transcript.done", **place, transcript=transcript)

    async def _speak_sentences(self, place: Event) -> None:
        clock = asyncio.get_running_loop().time
        began, sent_s = clock(), 0.0
        begins_ms = 0.0
        for sentence, pcm in zip(self._script.sentences, self.sentence_audio(), strict=True):
            await self.send("response.output_audio_transcript.delta", **place, delta=sentence)
            length_ms, count = 1000 * len(pcm) / 2 / VOICE_HZ, len(sentence.split())
            ends = [round(begins_ms + length_ms * (k + 1) / count) for k in range(count)]
            await self.send("parley.words", **place, ends_ms=ends)
            begins_ms += length_ms
            size = 2 * VOICE_HZ * CHUNK_MS // 1000
            for start in range(0, len(pcm), size):
                await asyncio.sleep(max(0.0, sent_s - LEAD_S - (clock() - began)))
                await self._connection.send(pcm[start : start + size])
                sent_s += CHUNK_MS / 1000

    def sentence_audio(self) -> list[bytes]:
        """One sweep over all sentences, so that a gap between two of them shows."""
        whole = (sweep(VOICE_HZ, self._script.seconds) * 32767).astype("<i2")
        return [part.tobytes() for part in np.array_split(whole, len(self._script.sentences))]
