"""@openai/agents (npm), unmodified, against /v1/realtime; skipped until `make clients` was run."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from audio.pcm import Samples, encode_pcm16
from audio.resample import resample
from tests.clients.install import FOLDER, NPM_STAMP
from tests.llm_server import LlmServer, calls, says
from tests.server.running import RunningApp

SCRIPT = Path(__file__).parent / "agents.mjs"
PATIENCE_S = 100

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(
        not (FOLDER / NPM_STAMP).exists(),
        reason="@openai/agents is not installed: make clients",
    ),
    pytest.mark.timeout(PATIENCE_S + 20),
]


async def play(scene: str, served: RunningApp, folder: Path, spoken: Samples) -> Any:
    """Play one scene of the script; return what it found. No error was told."""
    recording = folder / "question.pcm"
    recording.write_bytes(encode_pcm16(resample(spoken, 16_000, 24_000)))
    url = f"ws://127.0.0.1:{served.port}/v1/realtime?model=gpt-realtime"
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        str(FOLDER),
        url,
        str(recording),
        scene,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, trouble = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, trouble.decode()[-2000:]
    found = json.loads(out)
    assert found["errors"] == []
    return found


async def test_a_voiced_turn(served: RunningApp, spoken: Samples, tmp_path: Path) -> None:
    """Speech in, speech out, and both in the SDK's own history."""
    found = await play("voiced", served, tmp_path, spoken)
    assert found["response"]["status"] == "completed"
    question, answer = found["history"]
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert "crossing" in question["content"][0]["transcript"]
    assert "twenty-five minutes" in answer["content"][0]["transcript"]
    assert found["soundBytes"] > 2 * 24_000


async def test_a_text_turn(served: RunningApp, spoken: Samples, tmp_path: Path) -> None:
    """A typed question, the answer in words only: deltas that join to what the history holds."""
    found = await play("text", served, tmp_path, spoken)
    assert found["response"]["status"] == "completed"
    assert found["response"]["output_modalities"] == ["text"]
    question, answer = found["history"]
    assert question["content"][0]["text"] == "What does a day ticket cost?"
    assert found["told"] == answer["content"][0]["text"]
    assert "£" in found["told"]
    assert found["soundBytes"] == 0


async def test_an_interruption_with_truncate_and_retrieve(
    served: RunningApp, spoken: Samples, tmp_path: Path
) -> None:
    """Speech into the answer: the item that comes back holds the first words, and not all."""
    found = await play("interruption", served, tmp_path, spoken)
    assert found["response"]["status"] == "cancelled"
    assert found["response"]["status_details"]["reason"] == "turn_detected"
    truncated, item = found["truncated"], found["item"]
    assert truncated["item_id"] == item["id"] == found["response"]["output"][0]["id"]
    assert 0 < truncated["audio_end_ms"] <= found["soundBytes"] / 2 / 24
    heard = item["content"][0]["transcript"]
    assert 0 < len(heard) < len(found["whole"])
    assert found["whole"].startswith(heard)


async def test_a_cancel(served: RunningApp, spoken: Samples, tmp_path: Path) -> None:
    """interrupt() ends the response as client_cancelled, in silence; the next one is answered."""
    found = await play("cancel", served, tmp_path, spoken)
    assert found["response"]["status"] == "cancelled"
    assert found["response"]["status_details"]["reason"] == "client_cancelled"
    assert "response.output_audio.delta" not in found["between"]
    assert found["next"]["status"] == "completed"
    assert "£" in found["next"]["output"][0]["content"][0]["transcript"]


async def test_a_function_call(
    served_with_llm: tuple[RunningApp, LlmServer], spoken: Samples, tmp_path: Path
) -> None:
    """The agent's tool is run by the client, its result goes back, and the answer is spoken."""
    served, llm = served_with_llm
    llm.plays.extend([calls("look_up_weather", '{"place": "harbour"}'), says("It is sunny.")])
    found = await play("function", served, tmp_path, spoken)
    called = found["called"]
    assert (called["name"], json.loads(called["arguments"])) == (
        "look_up_weather",
        {"place": "harbour"},
    )
    assert found["results"] == ["sunny in harbour"]
    assert found["response"]["status"] == "completed"
    assert found["response"]["output"][0]["content"][0]["transcript"] == "It is sunny."
    assert found["soundBytes"] > 24_000
    sent = llm.requests[1]["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert (sent[-1]["tool_call_id"], sent[-1]["content"]) == (
        called["call_id"],
        "sunny in harbour",
    )
