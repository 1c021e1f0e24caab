"""benchmarks/overload.py: what it says of refusals is what a client saw of them."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.overload import Held, Knocks, Leavings, Refusal, knock, knock_on, summarise

HELD = Held(20, 30, 40, 300.0, 5.0)
NOTHING = Leavings((300.0, 301.0, 299.9, 300.2), 900)
FIFTY_KB_EACH = Leavings((300.0, 314.6, 329.3, 343.9), 900)


@pytest.fixture
async def door() -> AsyncIterator[str]:
    """Refuses everybody, as a full server does."""

    async def refuse(connection: ServerConnection) -> None:
        error = {"code": "at_capacity", "retry_after_ms": 20}
        await connection.send(json.dumps({"type": "error", "error": error}))
        await connection.close(1013)

    async with serve(refuse, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


def load(p95: float) -> dict[str, Any]:
    return {"voice_to_voice_ms": {"count": 9, "p50": 1.0, "p95": p95, "p99": 1.0}}


def summed(
    knocks: Knocks, after: Held = HELD, p95: float = 110, left: Leavings = NOTHING
) -> dict[str, Any]:
    told = summarise(load(100), load(100), load(p95), knocks, HELD, after, left)
    holds: dict[str, Any] = told["holds"]
    return holds


async def test_a_refused_client_comes_back_when_it_was_told_to(door: str) -> None:
    """Every knock is timed to its event and keeps its close code."""
    knocks = Knocks()
    await knock_on(door, time.monotonic() + 0.3, knocks, random.Random(1))
    assert 1 < len(knocks.refusals) < 16
    first = knocks.refusals[0]
    assert (first.close_code, first.retry_after_ms) == (1013, 20)
    assert 0 < first.handshake_ms <= first.told_ms
    assert knocks.figures()["close_codes"] == {"1013": len(knocks.refusals)}


async def test_no_server_is_a_failed_knock_and_no_refusal() -> None:
    """It is counted by what happened instead."""
    knocks = Knocks()
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    await knock(f"ws://127.0.0.1:{port}/ws", knocks)
    assert not knocks.refusals
    assert sum(knocks.failed.values()) == 1


def test_each_promise_is_judged_by_its_own_figure() -> None:
    """One late refusal, a p95 over 1.2, one task more: each breaks one promise."""
    quick, late = Refusal(5, 10, 1013, 2000), Refusal(5, 60, 1013, 2000)
    good = summed(Knocks([quick]))
    assert set(good.values()) == {True}
    assert not summed(Knocks([quick, late]))["refused_within_50_ms"]
    assert not summed(Knocks([]))["refused_within_50_ms"]
    assert not summed(Knocks([quick]), p95=121)["p95_within_1_2_of_full"]
    for more in ({"tasks": 21}, {"threads": 31}, {"descriptors": 41}, {"memory_mb": 320.0}):
        assert not summed(Knocks([quick]), replace(HELD, **more))["nothing_leaks"]
    cached = replace(HELD, memory_mb=320.0, cached_mb=25.0)
    assert summed(Knocks([quick]), cached)["nothing_leaks"]


def test_what_a_refusal_leaves_is_judged_by_many() -> None:
    """50 KB each are told; the allocator's comings and goings are not, nor is nobody refused."""
    quick = Knocks([Refusal(5, 10, 1013, 2000)])
    assert 49 < FIFTY_KB_EACH.kb_a_refusal < 51
    assert NOTHING.kb_a_refusal < 1
    assert not summed(quick, left=FIFTY_KB_EACH)["nothing_leaks"]
    assert not summed(quick, left=Leavings((300.0, 300.0), 0))["nothing_leaks"]
