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


async def run_script(served: RunningApp, folder: Path, spoken: Samples, *more: str) -> Any:
    """Run it; return what it told, by what it did."""
    recording = folder / "question.pcm"
    recording.write_bytes(encode_pcm16(resample(spoken, 16_000, 24_000)))
    url = f"ws://127.0.0.1:{served.port}/v1/realtime?model=gpt-realtime"
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        str(FOLDER),
        url,
        str(recording),
        *more,
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
    told = [json.loads(line) for line in out.decode().splitlines()]
    return {each["did"]: each for each in told}


async def test_speech_text_and_an_interruption(
    served: RunningApp, spoken: Samples, tmp_path: Path
) -> None:
    """A voiced turn in its history; an interruption that truncates and retrieves what was heard."""
    told = await run_script(served, tmp_path, spoken)
    assert "error" not in told
    voiced = told["voiced turn"]
    assert voiced["status"] == "completed"
    assert voiced["soundBytes"] > 24_000
    question, answer = voiced["history"][:2]
    assert question["role"] == "user"
    assert question["content"][0]["transcript"]
    assert answer["role"] == "assistant"
    interrupted = told["interruption"]
    assert interrupted["status"] == "cancelled"
    assert interrupted["item"]["content"][0]["transcript"] is not None
    assert told["text turn"]["status"] == "completed"


async def test_a_function_call(
    served_with_llm: tuple[RunningApp, LlmServer], spoken: Samples, tmp_path: Path
) -> None:
    """The agent's tool is run by the client, its result goes back, and the answer is spoken."""
    served, llm = served_with_llm
    llm.plays.extend([calls("look_up_weather", '{"place": "harbour"}'), says("It is sunny.")])
    told = await run_script(served, tmp_path, spoken, "tools")
    assert "error" not in told
    called = told["function call"]
    assert called["results"] == ["sunny in harbour"]
    assert called["status"] == "completed"
    assert llm.requests[1]["messages"][-1]["content"] == "sunny in harbour"
