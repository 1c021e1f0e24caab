"""What is counted and timed: Prometheus series, and the same over windows of 1, 5 and 60 minutes.

It opens no port; server/web.py shows what it renders. Labels are closed sets, never words: all are
in docs/metrics.md. An observation costs the same however many there were.
"""

import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, generate_latest

from server.answering.metrics import LlmMetrics
from server.cache.metrics import CacheMetrics
from server.errors import StageBusy
from server.watching.prometheus_series import PrometheusSeries
from server.watching.series import Series, SlidingMean, Span, Summary

OnTurn = Callable[[str, Mapping[str, float], float], None]
"""Called with outcome, segments in milliseconds, and when the question ended (time.monotonic())."""


class Metrics:
    """One process's figures. For one event loop, without locks. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        registry = self.registry = CollectorRegistry()
        self.on_turn: OnTurn | None = None
        self._clock = clock
        self._queues: dict[str, Series] = {}
        self._loop_lag = Series()
        self._hits: dict[str, SlidingMean] = {}
        self._busy = SlidingMean(Span.MINUTE.seconds)
        self._refusals = SlidingMean(Span.MINUTE.seconds)
        self.cache = CacheMetrics(registry)
        self.llm = LlmMetrics(registry)
        self._segments: dict[str, Series] = {}
        self._stages: dict[str, Series] = {}
        self._voice_to_voice = Series()
        self._turn_counts: dict[str, int] = {}
        self._speculation_counts: dict[str, int] = {}
        self._partial_counts: dict[str, int] = {}
        self._prometheus = PrometheusSeries(registry)

    def observe_stage(self, stage: str, run_ms: float) -> None:
        """One run of a stage's work in its thread."""
        _series(self._stages, stage).add(run_ms, self._clock())
        self._prometheus.stage_s.labels(stage).observe(run_ms / 1000)

    def observe_queue(self, stage: str, queue_ms: float) -> None:
        """One wait for a permit."""
        _series(self._queues, stage).add(queue_ms, self._clock())
        self._prometheus.queue_s.labels(stage).observe(queue_ms / 1000)

    def count_stage_error(self, stage: str, code: str) -> None:
        """One stage call that was refused, late or failed."""
        if code == StageBusy.code:
            self._busy.add(1, self._clock())
        self._prometheus.stage_errors.labels(stage, code).inc()

    def count_cache(self, stage: str, *, is_hit: bool) -> None:
        """One cache lookup."""
        if stage not in self._hits:
            self._hits[stage] = SlidingMean(Span.HOUR.seconds)
        self._hits[stage].add(float(is_hit), self._clock())
        self._prometheus.cache_lookups.labels(stage, "hit" if is_hit else "miss").inc()

    def observe_turn(
        self,
        outcome: str,
        segments: Mapping[str, float],
        voice_to_voice_ms: float | None,
        asked_at_s: float | None = None,
    ) -> None:
        """One turn that ended; without audio it has no voice-to-voice."""
        if self.on_turn is not None and asked_at_s is not None:
            self.on_turn(outcome, segments, asked_at_s)
        self._prometheus.turns.labels(outcome).inc()
        self._turn_counts[outcome] = self._turn_counts.get(outcome, 0) + 1
        if voice_to_voice_ms is None:
            return
        now_s = self._clock()
        self._voice_to_voice.add(voice_to_voice_ms, now_s)
        self._prometheus.voice_to_voice_s.observe(voice_to_voice_ms / 1000)
        for name, milliseconds in segments.items():
            _series(self._segments, name).add(milliseconds, now_s)
            self._prometheus.segment_s.labels(name).observe(milliseconds / 1000)

    def count_speculation(self, fate: str) -> None:
        """One answer made ahead that was used or wasted, or one that was not begun."""
        self._prometheus.speculations.labels(fate).inc()
        self._speculation_counts[fate] = self._speculation_counts.get(fate, 0) + 1

    def count_partial(self, fate: str) -> None:
        """One recognition of speech that still went on, or one that was not begun."""
        self._prometheus.partials.labels(fate).inc()
        self._partial_counts[fate] = self._partial_counts.get(fate, 0) + 1

    def count_interruption(self, kind: str) -> None:
        """One utterance that was spoken into an answer."""
        self._prometheus.interruptions.labels(kind).inc()

    def set_load(self, load: float) -> None:
        """Heavy calls that run or wait, a core."""
        self._prometheus.load.set(load)

    def set_steps(self, taken: Mapping[str, bool]) -> None:
        """Which degradation steps are taken now."""
        for step, is_taken in taken.items():
            self._prometheus.steps.labels(step).set(int(is_taken))

    def count_echo(self) -> None:
        """One utterance that was the assistant's own voice, known by its sound."""
        self._prometheus.interruptions.labels("echo").inc()

    def set_sessions(self, count: int) -> None:
        """Sessions that are open now."""
        self._prometheus.sessions.set(count)

    def count_wyoming(self, request: str, end: str) -> None:
        """One thing that a Wyoming client asked for, and what became of it."""
        self._prometheus.wyoming_requests.labels(request, end).inc()

    def set_wyoming_connections(self, count: int) -> None:
        """Connections on the Wyoming port that are open now."""
        self._prometheus.wyoming_connections.set(count)

    def set_cache_share(self, share: float) -> None:
        """What the memory caches may use of their limits, 0 to 1."""
        self._prometheus.cache_share.set(share)

    def set_alert(self, name: str, *, is_raised: bool) -> None:
        """Whether that alert is raised now."""
        self._prometheus.alerts.labels(name).set(int(is_raised))

    def count_refused(self, code: str) -> None:
        """One session that was turned away."""
        self._refusals.add(1, self._clock())
        self._prometheus.refused.labels(code).inc()

    def observe_loop_lag(self, lag_ms: float) -> None:
        """How late the event loop was, at one look."""
        self._loop_lag.add(lag_ms, self._clock())
        self._prometheus.loop_lag_s.observe(lag_ms / 1000)

    def count_post(self, purpose: str, result: str) -> None:
        """One message to an address outside: an alert or a batch of traces."""
        self._prometheus.posts.labels(purpose, result).inc()

    def voice_to_voice(self, span: Span) -> Summary:
        """Return voice-to-voice in that window."""
        return self._voice_to_voice.summary(span, self._clock())

    def loop_lag_ms(self) -> float:
        """Return the most that the event loop was late in the last minute."""
        return self._loop_lag.maximum(Span.MINUTE, self._clock())

    def hits(self, stage: str) -> tuple[float, int]:
        """Return hit rate and lookups of the last hour."""
        found, now_s = self._hits.get(stage), self._clock()
        return (0.0, 0) if found is None else (found.mean(now_s), found.count(now_s))

    def busy_calls(self) -> int:
        """Return how many calls found the line of their stage full, in the last minute."""
        return self._busy.count(self._clock())

    def refused_sessions(self) -> int:
        """Return how many sessions were turned away in the last minute."""
        return self._refusals.count(self._clock())

    def render(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)

    def summary(self) -> dict[str, object]:
        """Return counts since the start, and durations by window, for /stats."""
        now_s = self._clock()
        return {
            "turns": dict(self._turn_counts),
            "speculations": dict(self._speculation_counts),
            "partials": dict(self._partial_counts),
            "voice_to_voice_ms": self._voice_to_voice.plain(now_s),
            "segments": _plain(self._segments, now_s),
            "stages": _plain(self._stages, now_s),
            "queues": _plain(self._queues, now_s),
            "loop_lag_ms": self._loop_lag.plain(now_s) | {"max_1m": round(self.loop_lag_ms(), 1)},
        }


def _series(known: dict[str, Series], name: str) -> Series:
    """Return the series of that name, made when it is new."""
    if name not in known:
        known[name] = Series()
    return known[name]


def _plain(known: Mapping[str, Series], now_s: float) -> dict[str, object]:
    return {name: series.plain(now_s) for name, series in known.items()}
