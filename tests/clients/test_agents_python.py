"""openai-agents (Python), unmodified, against /v1/realtime; skipped until `make clients` ran."""

import asyncio
import json

import pytest

from tests.clients.install import FOLDER, PIP_STAMP
from tests.server.running import RunningApp

PYTHON = FOLDER / "python" / "bin" / "python"
PATIENCE_S = 90
SCRIPT = """
import asyncio, json, sys
from agents.realtime import RealtimeAgent, RealtimeRunner

async def main():
    runner = RealtimeRunner(RealtimeAgent(name="Parley", instructions="Be brief."))
    session = await runner.run(model_config={"url": sys.argv[1], "api_key": "any"})
    told = {"audio_bytes": 0, "errors": []}
    async with session, asyncio.timeout(60):
        await session.send_message("What does a day ticket cost?")
        async for event in session:
            if event.type == "audio":
                told["audio_bytes"] += len(event.audio.data)
            if event.type == "error":
                told["errors"].append(str(event.error))
            if event.type == "history_updated":
                told["roles"] = [item.role for item in event.history]
            if event.type == "agent_end":
                break
    print(json.dumps(told))

asyncio.run(main())
"""

pytestmark = [
    pytest.mark.skipif(
        not (FOLDER / PIP_STAMP).exists(), reason="openai-agents is not installed: make clients"
    ),
    pytest.mark.timeout(PATIENCE_S + 20),
]


async def test_a_typed_question_is_answered_aloud(served: RunningApp) -> None:
    """Its own session settings, its own events; no error."""
    url = f"ws://127.0.0.1:{served.port}/v1/realtime?model=gpt-realtime"
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        "-c",
        SCRIPT,
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        out, trouble = await process.communicate()
    assert process.returncode == 0, trouble.decode()[-2000:]
    told = json.loads(out)
    assert told["errors"] == []
    assert told["audio_bytes"] > 24_000
    assert told["roles"][:2] == ["user", "assistant"]
