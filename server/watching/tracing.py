"""One span a turn and one for each of its segments, as OTLP/HTTP in JSON for OpenTelemetry.

The spans carry durations, names and codes, never words. It needs no OpenTelemetry package: the JSON
form of the protocol is small and stable. It sends nothing itself: server/watching/post.py does.
"""

import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

TRACES_PATH: Final = "/v1/traces"
WAITING_LIMIT: Final = 1000
"""Spans that may wait to be sent; the oldest are dropped for room."""

_INTERNAL: Final = 1
_STATUS_OK: Final = 1
_STATUS_ERROR: Final = 2
_FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of time; `parent_id` is empty for a turn. Ids are hexadecimal, times Unix."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    started_at_ns: int
    ended_at_ns: int
    attributes: Mapping[str, str]
    is_failed: bool = False


@dataclass(slots=True)
class Tracer:
    """Keeps the spans of the turns that ended until they are taken. For one event loop."""

    monotonic_s: Callable[[], float] = time.monotonic
    unix_ns: Callable[[], int] = time.time_ns
    _spans: deque[Span] = field(default_factory=lambda: deque(maxlen=WAITING_LIMIT))

    def turn_ended(self, outcome: str, segments: Mapping[str, float], asked_at_s: float) -> None:
        """Keep a turn that ended now: its span, and one for each segment up to its first sound.

        Segments follow each other from the end of the question, in the order given.
        """
        now_s, now_ns = self.monotonic_s(), self.unix_ns()
        cursor_ns = started_at_ns = now_ns - round((now_s - asked_at_s) * 1e9)
        trace_id, turn_id = secrets.token_hex(16), secrets.token_hex(8)
        told = {"parley.outcome": outcome}
        is_failed = outcome == _FAILED
        self._spans.append(
            Span(trace_id, turn_id, "", "turn", started_at_ns, now_ns, told, is_failed)
        )
        for name, milliseconds in segments.items():
            ended_ns = cursor_ns + round(milliseconds * 1e6)
            span_id = secrets.token_hex(8)
            self._spans.append(Span(trace_id, span_id, turn_id, name, cursor_ns, ended_ns, {}))
            cursor_ns = ended_ns

    def take(self) -> list[Span]:
        """Return what waits, oldest first, and forget it."""
        taken = list(self._spans)
        self._spans.clear()
        return taken


def traces_url(endpoint: str) -> str:
    """Return where spans are posted: the endpoint's own path is kept when it ends in /v1/traces."""
    base = endpoint.rstrip("/")
    return base if base.endswith(TRACES_PATH) else base + TRACES_PATH


def encode(spans: Sequence[Span], version: str) -> bytes:
    """Return an ExportTraceServiceRequest as JSON (opentelemetry-proto, collector/trace/v1)."""
    scope = {"scope": {"name": "parley", "version": version}, "spans": [_plain(s) for s in spans]}
    service = {"service.name": "parley", "service.version": version}
    resource = {"attributes": _attributes(service)}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}).encode()


def _plain(span: Span) -> dict[str, object]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": _INTERNAL,
        "startTimeUnixNano": str(span.started_at_ns),
        "endTimeUnixNano": str(span.ended_at_ns),
        "attributes": _attributes(span.attributes),
        "status": {"code": _STATUS_ERROR if span.is_failed else _STATUS_OK},
    }


def _attributes(values: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]
