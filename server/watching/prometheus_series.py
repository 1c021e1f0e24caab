"""Every Prometheus series that is counted as things happen; docs/metrics.md lists them for people.

What is only read when it is asked for is in server/watching/gauges.py. It counts nothing itself.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


class PrometheusSeries:
    """The series of one process, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.segment_s = self._durations(
            "parley_segment_seconds", "Named slices of voice-to-voice latency", "segment"
        )
        self.voice_to_voice_s = self._durations(
            "parley_voice_to_voice_seconds", "End of speech to first audio sent"
        )
        self.stage_s = self._durations(
            "parley_stage_seconds", "Run time of a stage's work", "stage"
        )
        self.queue_s = self._durations("parley_stage_queue_seconds", "Wait for a permit", "stage")
        self.loop_lag_s = self._durations(
            "parley_loop_lag_seconds", "Lateness of the event loop, looked at 10 times a second"
        )
        self.stage_errors = self._count(
            "parley_stage_errors", "Stage calls that failed", "stage", "code"
        )
        self.cache_lookups = self._count("parley_cache_lookups", "Cache lookups", "stage", "result")
        self.turns = self._count("parley_turns", "Turns by outcome", "outcome")
        self.speculations = self._count(
            "parley_speculations", "Answers made ahead, by fate", "fate"
        )
        self.partials = self._count(
            "parley_partials", "Recognitions of running speech, by fate", "fate"
        )
        self.interruptions = self._count(
            "parley_interruptions", "Speech into an answer, by kind", "kind"
        )
        self.refused = self._count(
            "parley_refused_sessions", "Sessions and connections refused at the door", "code"
        )
        self.posts = self._count(
            "parley_posts", "Alerts and traces sent to the addresses set", "purpose", "result"
        )
        self.wyoming_requests = self._count(
            "parley_wyoming_requests", "What Wyoming clients asked for", "request", "end"
        )
        self.wyoming_connections = self._level(
            "parley_wyoming_connections", "Connections on the Wyoming port now"
        )
        self.load = self._level("parley_load", "Heavy calls that run or wait, a core, averaged")
        self.steps = self._level("parley_degradation_step", "1 while given up under load", "step")
        self.alerts = self._level("parley_alert", "1 while the alert is raised", "alert")
        self.cache_share = self._level(
            "parley_cache_share", "Of their limits, what memory caches may use now"
        )
        self.cache_share.set(1)
        self.sessions = self._level("parley_sessions", "Sessions now")

    def _durations(self, name: str, told: str, *labels: str) -> Histogram:
        return Histogram(name, told, labels, buckets=BUCKETS_S, registry=self._registry)

    def _count(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self._registry)

    def _level(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(name, told, labels, registry=self._registry)
