"""One paced session against a server that follows a small part."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping

import pytest
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.load_session import FRAME_BYTES, LoadSession, Question, Refused

LOUD = b"\x00\x20" * 640
CREATED = {
    "type": "session.created",
    "session": {"audio": {"output": {"format": {"rate": 16_000}}}, "parley": {"engines": {}}},
}
TURN = {"type": "parley.turn", "outcome": "answered"}
QUESTION = Question("q.wav", b"\x01\x02" * (3 * FRAME_BYTES // 2), speech_end_s=0.04)


class PartPlayer:
    """Answers when it has heard the three loud frames and a silent one, and keeps all frames."""

    def __init__(self, first: Mapping[str, object]) -> None:
        self.first = first
        self.frames: list[bytes] = []
        self.hangs_up_after = 0
        self.turns: list[Mapping[str, object]] = [TURN]

    async def play(self, connection: ServerConnection) -> None:
        await connection.send(json.dumps(self.first))
        async for frame in connection:
            assert isinstance(frame, bytes)
            self.frames.append(frame)
            if len(self.frames) == self.hangs_up_after:
                await connection.close(1013, "full")
                return
            if len(self.frames) > 3 and any(self.frames[-4]) and not any(frame):
                await connection.send(json.dumps({"type": "input_audio_buffer.committed"}))
                await connection.send(LOUD)
                for turn in self.turns:
                    await connection.send(json.dumps(turn))


@pytest.fixture
async def player() -> PartPlayer:
    return PartPlayer(CREATED)


@pytest.fixture
async def url(player: PartPlayer) -> AsyncIterator[str]:
    async with serve(player.play, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_question_is_played_whole_between_silence_and_its_answer_kept(
    url: str, player: PartPlayer
) -> None:
    session = await LoadSession.open(url)
    start_s = time.monotonic()
    await session.run([(0.04, QUESTION)], start_s, start_s + 20)
    (asked,) = session.exchanges
    assert b"".join(player.frames[2:5]) == QUESTION.pcm
    assert not any(player.frames[0])
    assert asked.speech_ends_at_s == pytest.approx(start_s + 0.08)
    assert asked.turn == TURN
    assert asked.playback.audible_at_s is not None
    assert len(asked.commits_at_s) == 1
    assert asked.false_barge_ins == 0


async def test_an_answer_that_ends_although_nobody_spoke_is_a_false_barge_in(
    url: str, player: PartPlayer
) -> None:
    """A second question, or the rest of one that was cut in two, would be a reason."""
    player.turns = [dict(TURN, outcome="cancelled"), TURN]
    session = await LoadSession.open(url)
    start_s = time.monotonic()
    await session.run([(0.0, QUESTION)], start_s, start_s + 20)
    assert session.exchanges[0].false_barge_ins == 1


async def test_a_session_that_starts_late_is_measured_from_its_schedule(url: str) -> None:
    """Frames are sent at once until it has caught up; none is left out."""
    session = await LoadSession.open(url)
    start_s = time.monotonic() - 1
    await session.run([(0.0, QUESTION)], start_s, start_s + 20)
    assert session.latest_frame_ms >= 1000
    (asked,) = session.exchanges
    assert asked.playback.audible_at_s is not None
    assert asked.playback.audible_at_s - asked.speech_ends_at_s >= 0.95


async def test_without_questions_it_ends_at_once(url: str, player: PartPlayer) -> None:
    session = await LoadSession.open(url)
    await asyncio.wait_for(session.run([], time.monotonic(), time.monotonic() + 50), 10)
    assert player.frames == []


async def test_a_server_that_is_full_refuses(url: str, player: PartPlayer) -> None:
    player.first = {"type": "error", "error": {"code": "at_capacity"}}
    with pytest.raises(Refused, match="at_capacity"):
        await LoadSession.open(url)


async def test_a_server_that_hangs_up_is_told_by_its_code(url: str, player: PartPlayer) -> None:
    """The question that was asked stays, without an answer."""
    player.hangs_up_after = 3
    session = await LoadSession.open(url)
    start_s = time.monotonic()
    await session.run([(0.0, QUESTION)], start_s, start_s + 20)
    assert session.lost_code == 1013
    assert session.exchanges[0].playback.audible_at_s is None
