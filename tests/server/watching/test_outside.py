"""A whole server with somebody who takes its alerts and its traces: what reaches them, and when."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from server.watching import health_watch
from tests.faults.conftest import StartFaked, start_faked
from tests.faults.witness import ask, listen, opened, until
from tests.server.conftest import data_dir, prepared_data_dir
from tests.server.watching.test_post import Receiver, receiver

__all__ = ["data_dir", "prepared_data_dir", "receiver", "start_faked"]

ASKED = "what does a ticket cost"


@pytest.fixture(autouse=True)
def _rounds_without_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_watch, "ROUND_S", 0.02)


def spans_of(posted: bytes) -> list[dict[str, Any]]:
    (resource,) = json.loads(posted)["resourceSpans"]
    return list(resource["scopeSpans"][0]["spans"])


async def test_a_turn_is_a_trace_with_a_span_for_each_of_its_segments(
    start_faked: StartFaked, receiver: Receiver
) -> None:
    """In the order of the turn's own report, as long as it tells, and without a word of it."""
    server = start_faked(otel_endpoint=f"http://127.0.0.1:{receiver.server_address[1]}")
    async with await opened(server.url) as connection:
        await ask(connection, ASKED)
        report = await listen(connection)
    await until(lambda: bool(receiver.received))
    path, body = receiver.received[0]
    turn, *stages = spans_of(body)
    assert path == "/v1/traces"
    assert (turn["name"], turn["status"]) == ("turn", {"code": 1})
    assert {"search", "answer_first", "tts_first", "send"} <= {span["name"] for span in stages}
    assert [span["name"] for span in stages] == list(report["segments"])
    assert {span["parentSpanId"] for span in stages} == {turn["spanId"]}
    for span, told_ms in zip(stages, report["segments"].values(), strict=True):
        took_ns = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
        assert took_ns / 1e6 == pytest.approx(told_ms, abs=0.01)
    assert "ticket" in report["transcript"]
    assert b"ticket" not in body


async def test_an_alert_reaches_the_webhook_that_is_set(
    start_faked: StartFaked, receiver: Receiver
) -> None:
    """At its own path and query, with what `/stats` tells."""
    server = start_faked(alert_webhook=receiver.url)
    app = server.running.app
    block: Callable[[float], None] = app._shared.metrics.observe_loop_lag
    assert app._loop is not None
    app._loop.call_soon_threadsafe(block, 200.0)
    await until(lambda: bool(receiver.received))
    path, body = receiver.received[0]
    told = json.loads(body)
    (alert,) = json.loads(server.running.get("/stats")[1])["alerts"]
    assert path == "/hook?key=1"
    assert (told["name"], told["state"]) == ("loop_lag_high", "raised")
    assert {name: told[name] for name in ("limit", "unit")} == {
        name: alert[name] for name in ("limit", "unit")
    }
