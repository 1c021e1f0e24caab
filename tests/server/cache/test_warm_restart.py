"""A restart with a warm disk: the first repeated turn is served from it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.faults.conftest import FakedServer, faked
from tests.faults.witness import ask, listen, opened


async def turn_of(server: FakedServer) -> dict[str, Any]:
    async with await opened(server.url) as connection:
        await ask(connection, "what does a ticket cost")
        return await listen(connection)


def disk_hits(server: FakedServer) -> dict[str, int]:
    """By stage, what /stats tells of the disk."""
    stages = json.loads(server.running.get("/stats")[1])["cache_tiers"]["stages"]
    return {stage: tiers["disk"]["hit"] for stage, tiers in stages.items() if "disk" in tiers}


def test_the_first_repeated_turn_is_served_from_the_disk(data_dir: Path) -> None:
    """Through the whole app: search, answer and speech are hits, and they came from the disk."""
    with faked(data_dir, cache_disk=True) as server:
        first = asyncio.run(turn_of(server))
        assert "hit" not in first["cache"].values()
    with faked(data_dir, cache_disk=True) as restarted:
        again = asyncio.run(turn_of(restarted))
        assert again["cache"] == {"search": "hit", "answer": "hit", "tts": "hit"}
        assert again["answer"] == first["answer"]
        hits = disk_hits(restarted)
        assert hits.keys() == {"search", "answer", "tts"}
        assert min(hits.values()) > 0
        assert restarted.synthesizer.sentences == []
