"""The rounds that the process makes of itself: alerts every 5 s, traces, a row of history a minute.

What may block is done in threads of its own. It measures nothing and serves no page.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Final

from server.settings import Settings
from server.surroundings import Surroundings
from server.watching.alert_rules import add_own_rules, rules_of
from server.watching.alerts import Alert, AlertBook, Change
from server.watching.history import History, HistoryError, Minute
from server.watching.machine import resident_bytes
from server.watching.post import Poster, Purpose
from server.watching.redis_history import RedisHistory, merged, server_name
from server.watching.series import Span
from server.watching.tracing import Tracer, encode, traces_url
from server.workers import Workers

log = logging.getLogger(__name__)

ROUND_S: Final = 5.0
MINUTE_S: Final = 60.0
SHOWN_MINUTES: Final = 180
"""Of the history so much is kept in memory, for /history."""


def make_health_watch(shared: Surroundings, sessions: Sized) -> "HealthWatch":
    """Build the watch of one process, with what its settings name."""
    settings, metrics = shared.settings, shared.metrics
    book = AlertBook()
    add_own_rules(book, settings, metrics, shared.stages, shared.engine_room)
    for name in book.names:
        metrics.set_alert(name, is_raised=False)
    watch = HealthWatch(
        shared, sessions, book, History(settings.history_path), Workers("history", 1)
    )
    if (ladder := shared.stages.ladder) is not None and ladder.redis is not None:
        watch.in_redis = RedisHistory(ladder.redis, server_name(settings.host, settings.port))
    if settings.alert_webhook:
        watch.webhook = Poster(Purpose.ALERT, settings.alert_webhook, metrics)
    if settings.otel_endpoint:
        watch.collector = Poster(Purpose.TRACES, traces_url(settings.otel_endpoint), metrics)
        watch.tracer = Tracer()
        metrics.on_turn = watch.tracer.turn_ended
    return watch


@dataclass(slots=True)
class HealthWatch:
    """Judges, tells and keeps. `run` ends only when it is cancelled."""

    shared: Surroundings
    sessions: Sized
    book: AlertBook
    history: History
    workers: Workers
    in_redis: RedisHistory | None = None
    """The same history beside the disk's."""
    webhook: Poster | None = None
    tracer: Tracer | None = None
    collector: Poster | None = None
    monotonic_s: Callable[[], float] = time.monotonic
    unix_s: Callable[[], float] = time.time
    minutes: list[Minute] = field(default_factory=list)
    """The last SHOWN_MINUTES rows, oldest first."""
    _is_history_failing: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Make rounds until cancelled."""
        self.minutes = await self._minutes_before()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._make_rounds())
            group.create_task(self._keep_minutes())

    async def _minutes_before(self) -> list[Minute]:
        """What an earlier process kept, on disk or in Redis."""
        on_disk = await self.workers.run(lambda: self.history.latest(SHOWN_MINUTES))
        if self.in_redis is None:
            return on_disk
        now_s = self.unix_s()
        in_redis = await self.in_redis.since(now_s - MINUTE_S * SHOWN_MINUTES, now_s)
        return merged(in_redis, on_disk)[-SHOWN_MINUTES:]

    def close(self) -> None:
        """Hand over the last traces and let the threads end; does not wait."""
        self.send_traces()
        self.workers.close()
        for poster in (self.webhook, self.collector):
            if poster is not None:
                poster.close()

    def apply(self, settings: Settings) -> None:
        """Judge by the limits that the settings say now."""
        for rule in rules_of(settings, self.shared.metrics):
            self.book.replace(rule)

    def raised(self) -> list[Alert]:
        """Return the alerts that are raised now."""
        return self.book.raised(self.monotonic_s())

    def judge(self) -> None:
        """Judge by every rule once; what changed is logged, counted and posted."""
        for change in self.book.judge(self.monotonic_s()):
            self._tell(change)

    def send_traces(self) -> None:
        """Hand the spans that wait to the collector's thread."""
        if self.tracer is None or self.collector is None:
            return
        if spans := self.tracer.take():
            self.collector.send(encode(spans, self.shared.version))

    async def keep_minute(self) -> None:
        """Write the row of the minute that ends now. What cannot be written is said once."""
        minute = self._minute()
        self.minutes = [*self.minutes, minute][-SHOWN_MINUTES:]
        try:
            await self.workers.run(lambda: self.history.keep(minute))
            self._is_history_failing = False
        except HistoryError as error:
            if not self._is_history_failing:
                log.warning("the history is not kept: %s", error)
            self._is_history_failing = True
        if self.in_redis is not None:
            await self.in_redis.keep(self.minutes)

    async def _make_rounds(self) -> None:
        while True:
            await asyncio.sleep(ROUND_S)
            self.judge()
            self.send_traces()

    async def _keep_minutes(self) -> None:
        """A disk that hangs holds up this task alone."""
        while True:
            await asyncio.sleep(MINUTE_S)
            await self.keep_minute()

    def _tell(self, change: Change) -> None:
        state = "raised" if change.is_raised else "cleared"
        self.shared.metrics.set_alert(change.name, is_raised=change.is_raised)
        log.warning(
            "alert %s %s: %s %s, limit %g",
            change.name,
            state,
            change.value,
            change.unit,
            change.limit,
        )
        if self.webhook is not None:
            told = change.plain() | {"at_unix_s": round(self.unix_s())}
            self.webhook.send(json.dumps(told).encode())

    def _minute(self) -> Minute:
        metrics = self.shared.metrics
        answers = metrics.voice_to_voice(Span.MINUTE)
        raised = self.raised()
        return Minute(
            at_unix_s=round(self.unix_s()),
            answers=answers.count,
            p50_ms=answers.p50,
            p95_ms=answers.p95,
            sessions=len(self.sessions),
            refused=metrics.refused_sessions(),
            load=round(self.shared.governor.load, 3),
            search_hit_rate=round(metrics.hits("search")[0], 4),
            speech_hit_rate=round(metrics.hits("tts")[0], 4),
            memory_bytes=resident_bytes(),
            loop_lag_ms=round(metrics.loop_lag_ms(), 1),
            alerts=",".join(alert.name for alert in raised),
        )
