"""The rules that every server judges itself by, with their limits and the reasons for them.

It judges nothing itself: server/watching/alerts.py does.
"""

from typing import Final

from server.door.memory_guard import bound_of
from server.engines.room import EngineRoom
from server.pipeline import Stages
from server.settings import Settings
from server.watching.alerts import AlertBook, AlertName, Rule
from server.watching.machine import resident_bytes
from server.watching.metrics import Metrics
from server.watching.series import Span

ENOUGH_TURNS: Final = 20
"""A 95th percentile of fewer is their slowest."""
WITHIN_TARGET: Final = 0.9
ENOUGH_LOOKUPS: Final = 200
"""At 70% the hit rate of so many is known to 6.5 points (95% confidence, binomial)."""
HIT_RATE_LOW: Final = 0.70
HIT_RATE_GOOD: Final = 0.75
WATCHED_CACHES: Final = ("search", "tts")
"""Recognition cannot hit on fresh speech, and an answer costs next to nothing."""
MEMORY_HIGH: Final = 0.80
MEMORY_GOOD: Final = 0.75
LAG_HIGH_MS: Final = 150.0
"""A block of 250 ms shows so at least: more than half of the lead of 400 ms that playback has."""
LAG_GOOD_MS: Final = 75.0


def add_own_rules(
    book: AlertBook, settings: Settings, metrics: Metrics, stages: Stages, room: EngineRoom
) -> None:
    """Add a rule for latency, hit rate, Redis, lines, memory, the event loop and the index."""
    rules = [
        *rules_of(settings, metrics),
        *([_hit_rate_rule(metrics)] if settings.cache_enabled else []),
        *_redis_rules(stages),
        *_language_model_rules(room),
        _queue_rule(metrics, stages),
        Rule(
            AlertName.LOOP_LAG_HIGH, metrics.loop_lag_ms, LAG_HIGH_MS, LAG_GOOD_MS, "ms", hold_s=0
        ),
        _index_rule(room),
    ]
    for rule in rules:
        book.add(rule)


def rules_of(settings: Settings, metrics: Metrics) -> list[Rule]:
    """Return the rules whose limits are settings that may change."""
    return [_latency_rule(settings, metrics), _memory_rule(settings)]


def _latency_rule(settings: Settings, metrics: Metrics) -> Rule:
    target_ms, name = float(settings.target_ms), AlertName.LATENCY_OVER_TARGET
    return Rule(name, lambda: _p95_ms(metrics), target_ms, WITHIN_TARGET * target_ms, "ms")


def _hit_rate_rule(metrics: Metrics) -> Rule:
    return Rule(
        AlertName.HIT_RATE_LOW,
        lambda: _lowest_hit_rate(metrics),
        HIT_RATE_LOW,
        HIT_RATE_GOOD,
        "hits a lookup",
        is_low_bad=True,
    )


def _redis_rules(stages: Stages) -> list[Rule]:
    redis = stages.ladder.redis if stages.ladder is not None else None
    if redis is None:
        return []
    breaker = redis.breaker

    def is_open() -> float:
        return float(not breaker.is_closed)

    return [Rule(AlertName.BREAKER_OPEN, is_open, 1, 0, "open breakers", hold_s=0)]


def _language_model_rules(room: EngineRoom) -> list[Rule]:
    chat = room.current.chat
    if chat is None:
        return []

    def away() -> float:
        return sum(not endpoint.is_up for endpoint in chat.endpoints)

    return [Rule(AlertName.LLM_UNAVAILABLE, away, 1, 0, "endpoints that do not answer", hold_s=0)]


def _queue_rule(metrics: Metrics, stages: Stages) -> Rule:
    return Rule(
        AlertName.QUEUE_FULL,
        lambda: metrics.busy_calls() + _full_lines(stages),
        1,
        0,
        "calls turned away in a minute, and full lines",
        hold_s=0,
    )


def _memory_rule(settings: Settings) -> Rule:
    bound_bytes = bound_of(settings)
    name = AlertName.MEMORY_HIGH
    return Rule(
        name, lambda: resident_bytes() / bound_bytes, MEMORY_HIGH, MEMORY_GOOD, "of the bound"
    )


def _index_rule(room: EngineRoom) -> Rule:
    def notices() -> float:
        return len(room.current.knowledge.alerts)

    return Rule(AlertName.INDEX_IMPAIRED, notices, 1, 0, "notices in /stats under index", hold_s=0)


def _p95_ms(metrics: Metrics) -> float | None:
    recent = metrics.voice_to_voice(Span.FIVE_MINUTES)
    return recent.p95 if recent.count >= ENOUGH_TURNS else None


def _lowest_hit_rate(metrics: Metrics) -> float | None:
    found = [metrics.hits(stage) for stage in WATCHED_CACHES]
    return min((rate for rate, lookups in found if lookups >= ENOUGH_LOOKUPS), default=None)


def _full_lines(stages: Stages) -> int:
    lines = [stage.permits for stage in stages.all()]
    return sum(line.waiting >= line.queue_limit for line in lines)
