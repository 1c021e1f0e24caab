"""server/app.py: the whole loop on recorded speech with the embedded engines, and the door."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from audio.wavfile import read_wav
from benchmarks.demo import judge, read_demo_questions
from server.client import Conversation, NoServer, ask_once
from server.errors import StartError
from server.settings import Settings
from tests.server.running import RunningApp, running_app, settings_in

QUESTIONS = read_demo_questions()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path) -> Settings:
    folder = tmp_path_factory.mktemp("app")
    return replace(
        settings_in(folder, prepared_data_dir),
        sessions_maximum=3,
        speech_speed=2.0,
    )


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[RunningApp]:
    with running_app(settings) as running:
        yield running


async def test_three_people_at_once_are_each_answered_from_the_right_document(
    server: RunningApp,
) -> None:
    """Real speech to real speech: transcript, source, audible answer, segments that add up."""
    recordings = [read_wav(question.wav) for question in QUESTIONS]
    replies = await asyncio.gather(
        *(ask_once(server.url, each.samples, each.rate_hz) for each in recordings)
    )
    for question, reply in zip(QUESTIONS, replies, strict=True):
        assert judge(question, reply) == []
        turn = reply.turn
        assert sum(turn["segments"].values()) == pytest.approx(turn["voice_to_voice_ms"], abs=5)
        assert "pocketsphinx" in turn["engines"]["stt"]
        assert "espeak" in turn["engines"]["tts"]


async def test_one_too_many_is_told_when_to_come_back(server: RunningApp) -> None:
    """at_capacity with retry_after_ms, then close 1013; a place that is freed is given again."""
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(await Conversation.open(server.url))
        async with connect(server.url) as fourth:
            refusal = json.loads(await fourth.recv())["error"]
            assert refusal["code"] == "at_capacity"
            assert refusal["retry_after_ms"] > 0
            with pytest.raises(ConnectionClosed) as closed:
                await fourth.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
        assert server.get("/ready")[0] == 503
        with pytest.raises(NoServer, match="places are taken"):
            await Conversation.open(server.url)
    async with asyncio.timeout(5):
        while server.get("/ready")[0] != 200:
            await asyncio.sleep(0.01)
    async with await Conversation.open(server.url):
        pass


async def test_an_oversize_frame_closes_with_1009(server: RunningApp) -> None:
    """64 KiB is the bound of one message; the client is told why it is closed."""
    async with connect(server.url) as connection:
        await connection.recv()
        await connection.send(bytes(65 * 1024))
        told = json.loads(await connection.recv())
        assert told["error"]["code"] == "message_too_large"
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_recording_without_speech_gets_no_turn(server: RunningApp) -> None:
    """Silence is not answered: the client is told so after its wait."""
    async with await Conversation.open(server.url) as conversation:
        with pytest.raises(Exception, match="was there speech"):
            await conversation.ask(np.zeros(1600, np.float32), 16_000, timeout_s=0.5)


async def test_the_reports_tell_what_runs(server: RunningApp) -> None:
    """/health, /metrics, /stats and /history after a turn."""
    recording = read_wav(QUESTIONS[0].wav)
    await ask_once(server.url, recording.samples, recording.rate_hz)
    health = json.loads(server.get("/health")[1])
    assert health["status"] == "ok"
    assert "pocketsphinx" in health["engines"]["stt"]
    assert any("base.en" in note for note in health["notes"])
    assert health["index"]["passages"] > 40
    stats = json.loads(server.get("/stats")[1])
    assert {"voice_to_voice_ms", "segments", "stages", "cache", "index", "alerts"} <= set(stats)
    figures = {"count", "mean", "p50", "p95", "p99"}
    assert stats["voice_to_voice_ms"].keys() == {*figures, "windows"}
    windows = stats["voice_to_voice_ms"]["windows"]
    assert {name: set(window) for name, window in windows.items()} == dict.fromkeys(
        ("1m", "5m", "60m"), figures
    )
    stages = {"stt", "search", "answer", "tts"}
    assert stats["permits"].keys() == stages
    assert stats["cache"].keys() == {*stages, "embed"}
    assert all(0 <= cache["hit_rate"] <= 1 for cache in stats["cache"].values())
    assert all(each["limit"] >= 1 for each in stats["permits"].values())
    assert stats["index"]["passages"] == health["index"]["passages"]
    assert stats["queues"]["stt"]["count"] > 0
    assert 0 < stats["memory"]["resident_bytes"] < stats["memory"]["bound_bytes"]
    assert stats["loop_lag_ms"]["count"] > 0
    assert "pocketsphinx" in stats["engines"]["stt"]
    assert json.loads(server.get("/history")[1]).keys() >= {"at_unix_s", "p95_ms", "alerts"}
    metrics = server.get("/metrics")[1]
    assert "parley_segment_seconds_bucket" in metrics
    assert 'parley_turns_total{outcome="answered"}' in metrics


def test_the_page_is_served(server: RunningApp) -> None:
    """GET / is the page."""
    status, body = server.get("/")
    assert status == 200
    assert "<title>" in body


def test_a_taken_port_is_a_clear_error(server: RunningApp, settings: Settings) -> None:
    """The message names the address and another port to try."""
    with (
        pytest.raises(StartError, match=rf"{server.port} is taken.*--port {server.port + 1}"),
        running_app(replace(settings, port=server.port)),
    ):
        pass


async def test_documents_ingested_beside_the_server_are_answered_next(
    server: RunningApp, settings: Settings, tmp_path: Path
) -> None:
    """The index and the language model are swapped between turns."""
    from server.commands.ingest import IngestRequest, run_ingest

    before = json.loads(server.get("/health")[1])["index"]["generation"]
    (tmp_path / "robots.md").write_text(
        "# Robots\n\n## Battery\n\nThe gardening robot runs for nine hours on one battery.\n"
    )
    assert await asyncio.to_thread(run_ingest, IngestRequest([tmp_path], True), settings) == 0
    async with asyncio.timeout(20):
        while json.loads(server.get("/health")[1])["index"]["generation"] == before:
            await asyncio.sleep(0.05)
    async with connect(server.url) as connection:
        text = {"type": "input_text", "text": "how long does the gardening robot run"}
        item = {"type": "message", "role": "user", "content": [text]}
        await connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await connection.send(json.dumps({"type": "response.create"}))
        async for message in connection:
            if isinstance(message, str) and "parley.sources" in message:
                assert json.loads(message)["sources"][0]["document"] == "robots.md"
                break
