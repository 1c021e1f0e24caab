"""Row 26: worker thread hangs.

Seen to fail: without the deadline in Stage._wait the turn hung as long as its thread; with the
permit released by Stage._give_up_core none was in use; without `overdue` in Permits /health
stayed `ok`.
"""

import asyncio
import json
import threading

from tests.faults.conftest import StartFaked
from tests.faults.witness import ask, is_served, listen, opened, until


async def test_the_turn_times_out_the_permit_stays_taken_and_health_is_degraded(
    start_faked: StartFaked,
) -> None:
    """`stage_timeout`; the permit counts as busy; /health is degraded while all threads hang."""
    server = start_faked(turn_timeout_s=1)
    server.synthesizer.go.clear()
    connection = await opened(server.url)
    await ask(connection)
    told = json.loads(await connection.recv())
    while told["type"] != "error":
        told = json.loads(await connection.recv())
    assert (told["error"]["code"], told["error"]["stage"]) == ("stage_timeout", "tts")
    assert (await listen(connection))["outcome"] == "failed"
    assert server.stages.tts.permits.in_use == 1
    code, health = await asyncio.to_thread(server.health)
    assert (code, health["status"], health["stuck"]) == (503, "degraded", ["tts"])
    await connection.close()
    server.synthesizer.go.set()
    await until(lambda: server.stages.tts.permits.in_use == 0)
    code, health = await asyncio.to_thread(server.health)
    assert (code, health["status"], health["stuck"]) == (200, "ok", [])
    assert await is_served(server.url)


async def test_one_of_two_threads_is_no_reason_to_be_replaced(start_faked: StartFaked) -> None:
    """While another thread of the stage works, its turns are answered and /health is ok."""
    server = start_faked(turn_timeout_s=1, tts_permits=2, core_permits=4)
    server.synthesizer.go.clear()
    connection = await opened(server.url)
    await ask(connection)
    assert (await listen(connection))["outcome"] == "failed"
    await connection.close()
    assert server.stages.tts.permits.in_use == 1
    hung, server.synthesizer.go = server.synthesizer.go, threading.Event()
    server.synthesizer.go.set()
    assert await is_served(server.url, "what does a ticket cost")
    code, health = await asyncio.to_thread(server.health)
    hung.set()
    assert (code, health["status"]) == (200, "ok")
