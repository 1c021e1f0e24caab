"""pipecat's socket looks like one of Parley's to the client, so both are measured by the same."""

import json
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.load_session import FRAME_BYTES, LoadSession, Question
from benchmarks.peer_wire import PeerConnection, PeerTurns, encode_audio

QUESTION = Question("q.wav", b"\x01\x02" * (3 * FRAME_BYTES // 2), speech_end_s=0.04)
LOUD = b"\x00\x20" * 640


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field, written by the rules of protocol buffers alone."""
    size, written = len(content), b""
    while size > 127:
        written, size = written + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + written + bytes([size]) + content


def message(kind: str) -> bytes:
    """Frame { message { data } }, as frames.proto of pipecat numbers them: 4 and 1."""
    return field(4, field(1, json.dumps({"label": "rtvi-ai", "type": kind}).encode()))


def audio(pcm: bytes) -> bytes:
    """Frame { audio { audio } }: 2 and 3."""
    return field(2, field(3, pcm))


def event(told: bytes | str | None) -> dict[str, str]:
    assert isinstance(told, str)
    found: dict[str, str] = json.loads(told)
    return found


def test_audio_goes_out_as_frames_proto_has_it() -> None:
    """Sound, 16,000 Hz (0x80 0x7d) and one channel: fields 3, 4 and 5 of the frame's field 2."""
    pcm = b"\x01\x02" * 320
    rate_and_channels = bytes([4 << 3, 0x80, 0x7D, 5 << 3, 1])
    assert encode_audio(pcm) == field(2, field(3, pcm) + rate_and_channels)


def test_sound_comes_back_as_it_is() -> None:
    assert PeerTurns().told_by(audio(LOUD)) == LOUD


def test_a_turn_is_committed_answered_and_reported() -> None:
    turns = PeerTurns()
    committed = event(turns.told_by(message("user-stopped-speaking")))
    assert committed["type"] == "input_audio_buffer.committed"
    assert turns.told_by(message("bot-started-speaking")) is None
    assert event(turns.told_by(message("bot-stopped-speaking")))["outcome"] == "answered"
    assert turns.told_by(message("bot-stopped-speaking")) is None


def test_speech_before_the_end_of_an_answer_cancels_it_once() -> None:
    turns = PeerTurns()
    turns.told_by(message("user-stopped-speaking"))
    assert event(turns.told_by(message("user-started-speaking")))["outcome"] == "cancelled"
    assert turns.told_by(message("bot-stopped-speaking")) is None


def test_speech_without_an_answer_is_no_event() -> None:
    turns = PeerTurns()
    assert turns.told_by(message("user-started-speaking")) is None
    assert turns.told_by(field(5, field(2, b"interruption"))) is None


async def answer_like_pipecat(connection: ServerConnection) -> None:
    """End the turn after five frames, speak, and tell that it was spoken."""
    count = 0
    async for _ in connection:
        count += 1
        if count == 5:
            for told in (message("user-stopped-speaking"), audio(LOUD), audio(LOUD)):
                await connection.send(told)
            await connection.send(message("bot-stopped-speaking"))


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serve(answer_like_pipecat, "127.0.0.1", 0) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def test_parleys_own_client_asks_and_times_it(port: int) -> None:
    session = LoadSession(
        await PeerConnection.open(port),
        {"audio": {"output": {"format": {"rate": 16_000}}}, "parley": {"engines": {}}},
    )
    start_s = time.monotonic()
    await session.run([(0.0, QUESTION)], start_s, start_s + 20)
    (asked,) = session.exchanges
    assert asked.playback.samples == 2 * len(LOUD) // 2
    assert asked.playback.audible_at_s is not None
    assert asked.turn["outcome"] == "answered"
    assert len(asked.commits_at_s) == 1
    assert session.lost_code is None
