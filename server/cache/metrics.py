"""What each tier of the cache did for each stage, for /metrics and /stats. It keeps no values.

For one event loop, without locks. Labels are closed sets, never keys or words.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LOOKUP_BUCKETS_S = (1e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1)
RECENT = 512
"""Lookups kept per stage and tier for the median in /stats."""


class Tier(StrEnum):
    """Where a value may be, fastest first."""

    MEMORY = "memory"
    REDIS = "redis"
    DISK = "disk"


class Found(StrEnum):
    """How one lookup in one tier ended."""

    HIT = "hit"
    MISS = "miss"
    CORRUPT = "corrupt"
    """Cut, flipped, foreign or of another version: deleted, never used."""
    ERROR = "error"
    """The tier failed or took too long."""
    SKIPPED = "skipped"
    """Not asked: its breaker was open, or too many lookups ran."""


class Written(StrEnum):
    """How one write to one tier ended."""

    STORED = "stored"
    DROPPED = "dropped"
    """The queue was full."""
    FAILED = "failed"
    PAUSED = "paused"
    """The tier cannot take writes now: its disk is full, or its breaker open."""


@dataclass(slots=True)
class Tally:
    """One stage's use of one tier."""

    results: dict[Found, int] = field(default_factory=lambda: dict.fromkeys(Found, 0))
    saved_ms: float = 0.0
    recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def summary(self) -> dict[str, float]:
        """Return counts by result, saved milliseconds and the median lookup."""
        times_ms = sorted(self.recent_ms)
        median_ms = times_ms[len(times_ms) // 2] if times_ms else 0.0
        counts = {str(result): count for result, count in self.results.items() if count}
        return {**counts, "saved_ms": round(self.saved_ms, 1), "lookup_p50_ms": round(median_ms, 4)}


class CacheMetrics:
    """The series of the cache; made once, by server/watching/metrics.py."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tallies: dict[tuple[str, Tier], Tally] = {}
        self.writes: dict[tuple[Tier, Written], int] = {}
        self._lookups = Counter(
            "parley_cache_tier_lookups",
            "Lookups in one tier of the cache",
            ["stage", "tier", "result"],
            registry=registry,
        )
        self._lookup_s = Histogram(
            "parley_cache_tier_seconds",
            "Time of one lookup in one tier",
            ["stage", "tier"],
            buckets=LOOKUP_BUCKETS_S,
            registry=registry,
        )
        self._saved_s = Counter(
            "parley_cache_saved_seconds",
            "What the hits' values cost when they were made",
            ["stage", "tier"],
            registry=registry,
        )
        self._writes = Counter(
            "parley_cache_writes", "Writes to a tier", ["tier", "result"], registry=registry
        )
        self._up = Gauge("parley_cache_up", "1 while the tier answers", ["tier"], registry=registry)
        self._size_bytes = Gauge(
            "parley_cache_bytes", "Bytes kept", ["stage", "tier"], registry=registry
        )
        self._evictions = Gauge(
            "parley_cache_evictions",
            "Values dropped for room since the start",
            ["stage", "tier"],
            registry=registry,
        )

    def looked_up(
        self, stage: str, tier: Tier, result: Found, seconds: float, saved_ms: float = 0.0
    ) -> None:
        """One lookup; `saved_ms` is what a hit's value cost when it was made."""
        tally = self.tallies.get((stage, tier))
        if tally is None:
            tally = self.tallies[stage, tier] = Tally()
        tally.results[result] += 1
        tally.recent_ms.append(seconds * 1000)
        self._lookups.labels(stage, tier, result).inc()
        self._lookup_s.labels(stage, tier).observe(seconds)
        if saved_ms:
            tally.saved_ms += saved_ms
            self._saved_s.labels(stage, tier).inc(saved_ms / 1000)

    def wrote(self, tier: Tier, result: Written) -> None:
        """One write to Redis or disk."""
        self.writes[tier, result] = self.writes.get((tier, result), 0) + 1
        self._writes.labels(tier, result).inc()

    def set_up(self, tier: Tier, *, is_up: bool) -> None:
        """Whether the tier answers."""
        self._up.labels(tier).set(int(is_up))

    def set_size(self, stage: str, tier: Tier, size_bytes: int, evictions: int) -> None:
        """What the tier holds of the stage."""
        self._size_bytes.labels(stage, tier).set(size_bytes)
        self._evictions.labels(stage, tier).set(evictions)

    def summary(self) -> dict[str, object]:
        """Return stage to tier to counts, and the writes, for /stats."""
        stages: dict[str, dict[str, object]] = {}
        for (stage, tier), tally in self.tallies.items():
            stages.setdefault(stage, {})[str(tier)] = tally.summary()
        writes: dict[str, dict[str, int]] = {}
        for (tier, result), count in self.writes.items():
            writes.setdefault(str(tier), {})[str(result)] = count
        return {"stages": stages, "writes": writes}
