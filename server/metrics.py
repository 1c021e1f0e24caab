"""What is counted and timed: Prometheus series and the percentiles of the last observations.

It opens no port; server/web.py shows what it renders. Labels are closed sets, never words.
"""

from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

WINDOW = 2048
"""Observations kept per series for the percentiles in /stats."""

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


class Series:
    """The last WINDOW observations of one duration, in milliseconds, and the count of all."""

    def __init__(self) -> None:
        self.count = 0
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def add(self, milliseconds: float) -> None:
        """Keep one observation."""
        self.count += 1
        self._recent.append(milliseconds)

    def summary(self) -> dict[str, float]:
        """Return count, mean, p50, p95 and p99 in milliseconds of the recent observations."""
        return summarise(self._recent) | {"count": self.count}


def summarise(milliseconds: Iterable[float]) -> dict[str, float]:
    """Return count, mean, p50, p95 and p99; zeros for nothing."""
    values = np.fromiter(milliseconds, float)
    if not len(values):
        return {"count": 0, "mean": 0.0, "p50": 0.0, "p95": 0.0, "p99": 0.0}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {
        "count": len(values),
        "mean": round(float(values.mean()), 3),
        "p50": round(float(p50), 3),
        "p95": round(float(p95), 3),
        "p99": round(float(p99), 3),
    }


def _fates(registry: CollectorRegistry, name: str, what: str) -> Counter:
    return Counter(f"parley_{name}", f"{what}, by fate", ["fate"], registry=registry)


class Metrics:
    """One process's figures. For one event loop, without locks."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._segments: dict[str, Series] = {}
        self._stages: dict[str, Series] = {}
        self._voice_to_voice = Series()
        self._turn_counts: dict[str, int] = {}
        self._speculation_counts: dict[str, int] = {}
        self._partial_counts: dict[str, int] = {}
        self._segment_s = Histogram(
            "parley_segment_seconds",
            "Named slices of voice-to-voice latency",
            ["segment"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._voice_to_voice_s = Histogram(
            "parley_voice_to_voice_seconds",
            "End of speech to first audio sent",
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._stage_s = Histogram(
            "parley_stage_seconds",
            "Run time of a stage's work",
            ["stage"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._queue_s = Histogram(
            "parley_stage_queue_seconds",
            "Wait for a permit",
            ["stage"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._stage_errors = Counter(
            "parley_stage_errors", "Stage calls that failed", ["stage", "code"], registry=registry
        )
        self._cache_lookups = Counter(
            "parley_cache_lookups", "Cache lookups", ["stage", "result"], registry=registry
        )
        self._turns = Counter("parley_turns", "Turns by outcome", ["outcome"], registry=registry)
        self._speculations = _fates(registry, "speculations", "Answers made ahead")
        self._partials = _fates(registry, "partials", "Recognitions of running speech")
        self._interruptions = Counter(
            "parley_interruptions", "Speech into an answer, by kind", ["kind"], registry=registry
        )
        self._load = Gauge(
            "parley_load", "Heavy calls that run or wait, a core, averaged", registry=registry
        )
        self._steps = Gauge(
            "parley_degradation_step", "1 while given up under load", ["step"], registry=registry
        )
        self._sessions = Gauge("parley_sessions", "Sessions now", registry=registry)
        self._refused = Counter(
            "parley_refused_sessions", "Sessions refused at the door", ["code"], registry=registry
        )

    def observe_stage(self, stage: str, run_ms: float) -> None:
        """One run of a stage's work in its thread."""
        self._stages.setdefault(stage, Series()).add(run_ms)
        self._stage_s.labels(stage).observe(run_ms / 1000)

    def observe_queue(self, stage: str, queue_ms: float) -> None:
        """One wait for a permit."""
        self._queue_s.labels(stage).observe(queue_ms / 1000)

    def count_stage_error(self, stage: str, code: str) -> None:
        """One stage call that was refused, late or failed."""
        self._stage_errors.labels(stage, code).inc()

    def count_cache(self, stage: str, *, is_hit: bool) -> None:
        """One cache lookup."""
        self._cache_lookups.labels(stage, "hit" if is_hit else "miss").inc()

    def observe_turn(
        self, outcome: str, segments: Mapping[str, float], voice_to_voice_ms: float | None
    ) -> None:
        """One turn that ended; without audio it has no voice-to-voice."""
        self._turns.labels(outcome).inc()
        self._turn_counts[outcome] = self._turn_counts.get(outcome, 0) + 1
        if voice_to_voice_ms is None:
            return
        self._voice_to_voice.add(voice_to_voice_ms)
        self._voice_to_voice_s.observe(voice_to_voice_ms / 1000)
        for name, milliseconds in segments.items():
            self._segments.setdefault(name, Series()).add(milliseconds)
            self._segment_s.labels(name).observe(milliseconds / 1000)

    def count_speculation(self, fate: str) -> None:
        """One answer made ahead that was used or wasted, or one that was not begun."""
        self._speculations.labels(fate).inc()
        self._speculation_counts[fate] = self._speculation_counts.get(fate, 0) + 1

    def count_partial(self, fate: str) -> None:
        """One recognition of speech that still went on, or one that was not begun."""
        self._partials.labels(fate).inc()
        self._partial_counts[fate] = self._partial_counts.get(fate, 0) + 1

    def count_interruption(self, kind: str) -> None:
        """One utterance that was spoken into an answer."""
        self._interruptions.labels(kind).inc()

    def set_load(self, load: float) -> None:
        """Heavy calls that run or wait, a core."""
        self._load.set(load)

    def set_steps(self, taken: Mapping[str, bool]) -> None:
        """Which degradation steps are taken now."""
        for step, is_taken in taken.items():
            self._steps.labels(step).set(int(is_taken))

    def count_echo(self) -> None:
        """One utterance that was the assistant's own voice, known by its sound."""
        self._interruptions.labels("echo").inc()

    def set_sessions(self, count: int) -> None:
        """Sessions that are open now."""
        self._sessions.set(count)

    def count_refused(self, code: str) -> None:
        """One session that was turned away."""
        self._refused.labels(code).inc()

    def render(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)

    def summary(self) -> dict[str, object]:
        """Return the percentiles for /stats."""
        return {
            "turns": dict(self._turn_counts),
            "speculations": dict(self._speculation_counts),
            "partials": dict(self._partial_counts),
            "voice_to_voice_ms": self._voice_to_voice.summary(),
            "segments": {name: series.summary() for name, series in self._segments.items()},
            "stages": {name: series.summary() for name, series in self._stages.items()},
        }
