"""server/engines/hub_watch.py: better weights arrive while embedded engines answer."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from audio.wavfile import read_wav
from server.client import ask_once
from server.settings import RecognizerChoice, Settings, SynthesizerChoice
from tests.model_makers.canned_whisper import make_canned_whisper
from tests.model_makers.stub_piper import make_stub_voice
from tests.models.hub import running_hub
from tests.server.running import running_app
from tests.server.test_app import QUESTIONS

SENTENCE = "what does the black ball mean"
"""Short: the recogniser limits tokens by the speech, and the canned model spends one a letter."""
WHISPER = "Systran/faster-whisper-base.en/resolve/main"
VOICE = "rhasspy/piper-voices/resolve/v1.0.0/en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """What the stand-in hub serves: a canned Whisper and a stub voice under the real names."""
    model = make_canned_whisper(tmp_path / "whisper", SENTENCE)
    voice = make_stub_voice(tmp_path / "voice.onnx")
    vocabulary = json.loads((model / "vocabulary.json").read_text())
    return {
        f"{WHISPER}/config.json": (model / "config.json").read_bytes(),
        f"{WHISPER}/model.bin": (model / "model.bin").read_bytes(),
        f"{WHISPER}/tokenizer.json": (model / "tokenizer.json").read_bytes(),
        f"{WHISPER}/vocabulary.txt": "\n".join(vocabulary).encode(),
        VOICE: voice.read_bytes(),
        f"{VOICE}.json": Path(f"{voice}.json").read_bytes(),
    }


@pytest.fixture
def settings(tmp_path: Path, data_dir: Path) -> Settings:
    return replace(
        Settings(),
        port=0,
        data_dir=data_dir,
        models_dir=tmp_path / "models",
        hub_cache_dir=tmp_path / "hub-cache",
        speech_speed=2.0,
        biasing=False,  # the canned model counts the tokens before its sentence
    )


async def wait_for_engines(connection: ClientConnection) -> dict[str, str]:
    """Read session.created and parley.engines until both better engines are named."""
    async with asyncio.timeout(30):
        async for message in connection:
            event = json.loads(message)
            told = event.get("session", {}).get("parley", event)
            engines: dict[str, str] = told.get("engines", {})
            if "piper" in engines.get("tts", ""):
                return engines
    raise AssertionError("the engines were never announced")


async def test_weights_are_fetched_and_swapped_in_between_turns(
    files: dict[str, bytes], settings: Settings
) -> None:
    """A hub that answers: announced on the socket and in /health; then both really run."""
    recording = read_wav(QUESTIONS[0].wav)
    with running_hub(files) as hub:
        hub_settings = replace(settings, hub_endpoint=hub.endpoint)
        with running_app(hub_settings) as server:
            async with connect(server.url) as connection:
                engines = await wait_for_engines(connection)
            assert "whisper" in engines["stt"].lower()
            health = json.loads(server.get("/health")[1])
            assert health["engines"] == engines
            assert health["notes"] == []
            reply = await ask_once(server.url, recording.samples, recording.rate_hz)
    assert reply.turn["transcript"].strip() == SENTENCE
    assert reply.turn["engines"] == engines
    assert reply.sources[0]["document"] == "guest-handbook.pdf"
    assert abs(reply.samples).max() > 1000
    recorded = json.loads((settings.models_dir / "recorded.json").read_text())
    assert recorded


async def test_what_was_fetched_runs_at_the_next_start_with_no_hub(
    files: dict[str, bytes], settings: Settings
) -> None:
    """Downloaded once: the second start uses the weights and does not look."""
    for name, content in files.items():
        is_voice = "piper" in name
        folder = settings.models_dir / ("en_US-ljspeech-medium" if is_voice else "base.en")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / Path(name).name).write_bytes(content)
    demanding = replace(
        settings, offline=True, stt=RecognizerChoice.WHISPER, tts=SynthesizerChoice.PIPER
    )
    with running_app(demanding) as server:
        engines = json.loads(server.get("/health")[1])["engines"]
    assert "whisper" in engines["stt"].lower()
    assert "piper" in engines["tts"]


async def test_no_hub_is_one_clear_line(settings: Settings) -> None:
    """Nothing listens: the embedded engines run, announced once."""
    nowhere = replace(settings, hub_endpoint="http://127.0.0.1:9")
    with running_app(nowhere) as server:
        async with asyncio.timeout(10):
            while not any("No model hub answers" in line for line in server.said):
                await asyncio.sleep(0.02)
        engines = json.loads(server.get("/health")[1])["engines"]
    assert sum("No model hub answers" in line for line in server.said) == 1
    assert "pocketsphinx" in engines["stt"]


async def test_offline_never_looks(settings: Settings) -> None:
    """PARLEY_OFFLINE=1: the stand-in hub is asked for nothing."""
    with running_hub({}) as hub:
        offline = replace(settings, offline=True, hub_endpoint=hub.endpoint)
        with running_app(offline) as server:
            assert server.get("/ready")[0] == 200
        assert hub.asked == []
