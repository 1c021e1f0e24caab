"""A whole server with a language model on a real local HTTP server: what it tells of it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.faults.witness import ask, listen, opened
from tests.llm_server import Play, llm_server
from tests.server.running import RunningApp, running_app, settings_in

QUESTION = "what time does the last boat come back on a sunday"


def page(running: RunningApp, path: str) -> dict[str, Any]:
    read = json.loads(running.get(path)[1])
    assert isinstance(read, dict)
    return read


async def answered(running: RunningApp, question: str) -> dict[str, Any]:
    connection = await opened(running.url)
    try:
        await ask(connection, question)
        return await listen(connection)
    finally:
        await connection.close()


async def test_the_server_names_its_model_and_tells_when_it_is_away(
    tmp_path: Path, prepared_data_dir: Path
) -> None:
    """In /health, /stats, /metrics and the alerts; the key is in none of them."""
    with llm_server() as endpoint:
        settings = replace(
            settings_in(tmp_path, prepared_data_dir),
            llm_base_url=endpoint.base_url,
            llm_model="test-model",
            llm_api_key="s3cret",
        )
        name = f"test-model at 127.0.0.1:{endpoint.port}"
        with running_app(settings) as running:
            assert page(running, "/health")["engines"]["answer"] == name
            report = await answered(running, QUESTION)
            assert report["answer"] == "It costs twelve euros."
            assert report["engines"]["answer"] == name
            assert endpoint.keys == ["bearer s3cret"]
            endpoint.usual, endpoint.is_listing = Play(status=401), False
            report = await answered(running, "where is the defibrillator")
            assert report["engines"]["answer"] == "extractive"
            health = page(running, "/health")
            assert health["engines"]["answer"] == f"extractive ({name} is away)"
            assert health["language_model"][0]["fault"]
            async with asyncio.timeout(30):
                while "llm_unavailable" not in str(page(running, "/stats")["alerts"]):
                    await asyncio.sleep(0.2)
            told = running.get("/stats")[1] + running.get("/health")[1]
            counts = page(running, "/stats")["language_model"]
            assert counts["calls"] == {"primary": {"answered": 1, "refused": 1}}
            assert counts["answers"] == {"model": 1, "unavailable": 1}
            assert 'parley_llm_up{endpoint="primary"} 0.0' in running.get("/metrics")[1]
            assert "s3cret" not in told
