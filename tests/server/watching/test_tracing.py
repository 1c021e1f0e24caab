"""server/watching/tracing.py: spans of a turn and their OTLP form."""

import json

import pytest

from server.watching.tracing import WAITING_LIMIT, Tracer, encode, traces_url

NOW_NS = 1_700_000_000_000_000_000


def tracer() -> Tracer:
    return Tracer(monotonic_s=lambda: 50.0, unix_ns=lambda: NOW_NS)


def test_segments_follow_each_other_inside_their_turn() -> None:
    """One trace; the turn from the question's end to now; each segment begins where one ended."""
    kept = tracer()
    kept.turn_ended("answered", {"endpoint_wait": 300.0, "stt_final": 120.5}, 48.0)
    turn, wait, heard = kept.take()
    assert (turn.name, turn.started_at_ns, turn.ended_at_ns) == ("turn", NOW_NS - 2 * 10**9, NOW_NS)
    assert {turn.trace_id} == {wait.trace_id, heard.trace_id}
    assert wait.parent_id == heard.parent_id == turn.span_id
    assert turn.parent_id == ""
    assert wait.started_at_ns == turn.started_at_ns
    assert wait.ended_at_ns == heard.started_at_ns == turn.started_at_ns + 300 * 10**6
    assert heard.ended_at_ns == heard.started_at_ns + 120_500_000


def test_what_was_taken_is_forgotten_and_what_waits_is_bounded() -> None:
    """A collector that is away costs a bounded number of spans."""
    kept = tracer()
    for _ in range(WAITING_LIMIT):
        kept.turn_ended("answered", {"send": 1.0}, 49.0)
    assert len(kept.take()) == WAITING_LIMIT
    assert kept.take() == []


def test_the_message_is_an_export_request() -> None:
    """Field names, string nanoseconds, hexadecimal ids of the right length, status of a failure."""
    kept = tracer()
    kept.turn_ended("failed", {"stt_final": 1.0}, 49.0)
    told = json.loads(encode(kept.take(), "1.2.3"))
    (resource,) = told["resourceSpans"]
    names = {
        item["key"]: item["value"]["stringValue"] for item in resource["resource"]["attributes"]
    }
    assert names == {"service.name": "parley", "service.version": "1.2.3"}
    turn, segment = resource["scopeSpans"][0]["spans"]
    assert (len(bytes.fromhex(turn["traceId"])), len(bytes.fromhex(turn["spanId"]))) == (16, 8)
    assert turn["endTimeUnixNano"] == str(NOW_NS)
    assert turn["status"] == {"code": 2}
    assert segment["status"] == {"code": 1}
    assert segment["parentSpanId"] == turn["spanId"]
    assert turn["attributes"] == [{"key": "parley.outcome", "value": {"stringValue": "failed"}}]


@pytest.mark.parametrize(
    "endpoint",
    ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces", "http://c:4318/v1/traces/"],
)
def test_the_endpoint_may_be_given_with_or_without_its_path(endpoint: str) -> None:
    """As OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT do."""
    assert traces_url(endpoint) == "http://c:4318/v1/traces"
