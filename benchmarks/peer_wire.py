"""pipecat's WebSocket, spoken so that benchmarks/load_session.py drives it like one of Parley's.

Audio goes in the frames of pipecat's ProtobufFrameSerializer; of its RTVI messages, the end of a
person's turn stands for Parley's commit and the end of the answer for Parley's report of a turn.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from websockets.asyncio.client import ClientConnection, connect

from models.stt import RATE_HZ

_TYPES: Final = descriptor_pb2.FieldDescriptorProto
AUDIO_FIELDS: Final = (
    ("id", 1, _TYPES.TYPE_UINT64),
    ("name", 2, _TYPES.TYPE_STRING),
    ("audio", 3, _TYPES.TYPE_BYTES),
    ("sample_rate", 4, _TYPES.TYPE_UINT32),
    ("num_channels", 5, _TYPES.TYPE_UINT32),
)
MESSAGE_FIELDS: Final = (("data", 1, _TYPES.TYPE_STRING),)
FRAME_FIELDS: Final = (("audio", 2, "AudioRawFrame"), ("message", 4, "MessageFrame"))
"""The two kinds of pipecat/frames/frames.proto that matter here; others are passed over."""


def _frame_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="peer_frames.proto", package="pipecat", syntax="proto3"
    )
    for message, fields in (("AudioRawFrame", AUDIO_FIELDS), ("MessageFrame", MESSAGE_FIELDS)):
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            described.field.add(name=name, number=number, type=kind, label=_TYPES.LABEL_OPTIONAL)
    frame = file.message_type.add(name="Frame")
    frame.oneof_decl.add(name="frame")
    for name, number, message in FRAME_FIELDS:
        frame.field.add(
            name=name,
            number=number,
            type=_TYPES.TYPE_MESSAGE,
            type_name=f".pipecat.{message}",
            label=_TYPES.LABEL_OPTIONAL,
            oneof_index=0,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pipecat.Frame"))


_Frame: Final = _frame_class()


def encode_audio(pcm: bytes) -> bytes:
    """Wrap PCM16 mono at 16 kHz as pipecat takes it in."""
    frame = _Frame()
    frame.audio.audio, frame.audio.sample_rate, frame.audio.num_channels = pcm, RATE_HZ, 1
    encoded: bytes = frame.SerializeToString()
    return encoded


class PeerTurns:
    """Turns what pipecat sends into what a session of Parley's /ws would get."""

    def __init__(self) -> None:
        self._is_answering = False

    def told_by(self, message: bytes) -> bytes | str | None:
        """Return PCM16 of the answer, a JSON event, or None for what has no counterpart."""
        frame = _Frame.FromString(message)
        if frame.WhichOneof("frame") == "audio":
            audio: bytes = frame.audio.audio
            return audio
        if frame.WhichOneof("frame") != "message":
            return None
        return self._event_of(json.loads(frame.message.data).get("type"))

    def _event_of(self, kind: str | None) -> str | None:
        if kind == "user-stopped-speaking":
            self._is_answering = True
            return json.dumps({"type": "input_audio_buffer.committed"})
        if kind == "user-started-speaking" and self._is_answering:
            self._is_answering = False
            return json.dumps({"type": "parley.turn", "outcome": "cancelled"})
        if kind == "bot-stopped-speaking" and self._is_answering:
            self._is_answering = False
            return json.dumps({"type": "parley.turn", "outcome": "answered"})
        return None


class PeerConnection:
    """One open socket to a bot of benchmarks/peer_bot.py."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._turns = PeerTurns()

    @classmethod
    async def open(cls, port: int) -> "PeerConnection":
        """Connect. Raises OSError or TimeoutError where nothing answers."""
        url = f"ws://127.0.0.1:{port}"
        return cls(await connect(url, compression=None, max_size=None, ping_interval=None))

    async def send(self, pcm: bytes) -> None:
        """Send one frame of PCM16 at 16 kHz."""
        await self._connection.send(encode_audio(pcm))

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for message in self._connection:
            if isinstance(message, bytes) and (told := self._turns.told_by(message)) is not None:
                yield told
