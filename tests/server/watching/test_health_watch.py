"""server/watching/health_watch.py: what changed is logged, counted and posted; a minute is kept."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from rag.index_keeper import IndexKeeper
from server.watching.alerts import AlertName
from server.watching.health_watch import HealthWatch, make_health_watch
from server.watching.history import History, HistoryError, Minute
from server.watching.post import Poster, Purpose
from tests.server.conftest import MakeStand


class Clock:
    """Seconds that the test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


MakeWatch = Callable[..., HealthWatch]


@pytest.fixture
async def make_watch(make_stand: MakeStand, tmp_path: Path) -> AsyncIterator[MakeWatch]:
    made: list[HealthWatch] = []

    def make(**changes: object) -> HealthWatch:
        stand = make_stand(data_dir=tmp_path, **changes)
        watch = make_health_watch(stand.shared, ["a session"])
        watch.monotonic_s = Clock()
        watch.unix_s = lambda: 1_700_000_000.4
        made.append(watch)
        return watch

    yield make
    for watch in made:
        watch.close()
        assert watch.workers.join(5)


def judge_at(watch: HealthWatch, now_s: float) -> list[AlertName]:
    assert isinstance(watch.monotonic_s, Clock)
    watch.monotonic_s.now_s = now_s
    watch.judge()
    return [alert.name for alert in watch.raised()]


def alert_gauge(watch: HealthWatch, name: AlertName) -> float | None:
    return watch.shared.metrics.registry.get_sample_value("parley_alert", {"alert": name})


async def test_slow_turns_raise_an_alert_everywhere(
    make_watch: MakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    """p95 over the target for ten seconds: `/stats`, the gauge, the log and the webhook."""
    watch, posted = make_watch(target_ms=700), []
    watch.webhook = Poster(
        Purpose.ALERT, "http://x", watch.shared.metrics, lambda url, body: posted.append(body)
    )
    for _ in range(30):
        watch.shared.metrics.observe_turn("answered", {}, 900.0)
    assert alert_gauge(watch, AlertName.LATENCY_OVER_TARGET) == 0
    assert judge_at(watch, 1000) == []
    assert judge_at(watch, 1010) == [AlertName.LATENCY_OVER_TARGET]
    assert alert_gauge(watch, AlertName.LATENCY_OVER_TARGET) == 1
    assert "alert latency_over_target raised: 88" in caplog.text
    watch.webhook.close()
    assert watch.webhook.join(5)
    (body,) = posted
    told = json.loads(body)
    assert (told["name"], told["state"], told["limit"]) == ("latency_over_target", "raised", 700)
    assert told["at_unix_s"] == 1_700_000_000


async def test_few_turns_are_not_judged(make_watch: MakeWatch) -> None:
    """A 95th percentile of five would be their slowest."""
    watch = make_watch(target_ms=700)
    for _ in range(5):
        watch.shared.metrics.observe_turn("answered", {}, 5000.0)
    assert judge_at(watch, 1000) == judge_at(watch, 1020) == []


@pytest.mark.parametrize(
    ("misses", "lookups", "expected"),
    [(61, 200, True), (59, 200, False), (150, 150, False)],
)
async def test_the_hit_rate_is_judged_once_there_are_enough_lookups(
    make_watch: MakeWatch, misses: int, lookups: int, expected: bool
) -> None:
    """Under 70% of at least 200; recognition, which cannot hit, is left out."""
    watch = make_watch()
    for number in range(lookups):
        watch.shared.metrics.count_cache("tts", is_hit=number >= misses)
        watch.shared.metrics.count_cache("stt", is_hit=False)
    judge_at(watch, 1000)
    assert (AlertName.HIT_RATE_LOW in judge_at(watch, 1010)) is expected


async def test_without_a_cache_no_hit_rate_is_asked_for(make_watch: MakeWatch) -> None:
    """A cache that was turned off is no fault."""
    assert AlertName.HIT_RATE_LOW not in make_watch(cache_enabled=False).book.names


async def test_a_call_that_found_its_line_full_is_told_at_once(make_watch: MakeWatch) -> None:
    """Refused calls raise it; a late call does not."""
    watch = make_watch()
    watch.shared.metrics.count_stage_error("tts", "stage_timeout")
    assert judge_at(watch, 1000) == []
    watch.shared.metrics.count_stage_error("tts", "stage_busy")
    assert judge_at(watch, 1001) == [AlertName.QUEUE_FULL]


async def test_memory_is_judged_by_the_bound_that_is_set(make_watch: MakeWatch) -> None:
    """1 MB is little; the machine's memory is enough for this test."""
    tight, wide = make_watch(memory_maximum_mb=1), make_watch()
    for watch in (tight, wide):
        judge_at(watch, 1000)
    assert judge_at(tight, 1010) == [AlertName.MEMORY_HIGH]
    assert judge_at(wide, 1010) == []


@dataclass(frozen=True, slots=True)
class Keeper:
    """What the watch reads of an index's keeper."""

    alerts: tuple[str, ...]


async def test_a_notice_of_the_index_is_told(make_watch: MakeWatch) -> None:
    """Raised with the first notice, over with the last."""
    watch = make_watch()
    room = watch.shared.engine_room
    assert judge_at(watch, 1000) == []
    for now_s, notices, expected in ((1001, ("x",), [AlertName.INDEX_IMPAIRED]), (1002, (), [])):
        keeper = cast(IndexKeeper, Keeper(notices))
        room.change(knowledge=replace(room.current.knowledge, keeper=keeper))
        assert judge_at(watch, now_s) == expected


async def test_a_blocked_loop_is_told(make_watch: MakeWatch) -> None:
    """150 ms late, once in the minute."""
    watch = make_watch()
    watch.shared.metrics.observe_loop_lag(149)
    assert judge_at(watch, 1000) == []
    watch.shared.metrics.observe_loop_lag(150)
    assert judge_at(watch, 1001) == [AlertName.LOOP_LAG_HIGH]


async def test_a_minute_is_kept_with_the_figures_of_the_process(make_watch: MakeWatch) -> None:
    """Written to the file and shown by `/history`."""
    watch = make_watch(memory_maximum_mb=1)
    for latency_ms in (100.0, 200.0, 300.0):
        watch.shared.metrics.observe_turn("answered", {}, latency_ms)
    watch.shared.metrics.count_refused("at_capacity")
    judge_at(watch, 1000)
    judge_at(watch, 1010)
    await watch.keep_minute()
    (kept,) = History(watch.shared.settings.history_path).latest(10)
    assert watch.minutes == [kept]
    assert (kept.at_unix_s, kept.answers, kept.sessions, kept.refused) == (1_700_000_000, 3, 1, 1)
    assert kept.p50_ms == pytest.approx(200, rel=0.025)
    assert kept.memory_bytes > 10 << 20
    assert kept.alerts == "memory_high"


async def test_a_full_disk_is_said_once_and_memory_goes_on(
    make_watch: MakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Three minutes that cannot be written: one line; `/history` has all three."""

    class FullDisk(History):
        def keep(self, minute: Minute) -> None:
            raise HistoryError("database or disk is full")

    watch = make_watch()
    watch.history = FullDisk(Path("nowhere"))
    for _ in range(3):
        await watch.keep_minute()
    assert caplog.text.count("the history is not kept: database or disk is full") == 1
    assert len(watch.minutes) == 3


async def test_turns_become_spans_only_when_a_collector_is_named(make_watch: MakeWatch) -> None:
    """Without PARLEY_OTEL_ENDPOINT nothing is kept; with it a turn's spans are posted as JSON."""
    assert make_watch().shared.metrics.on_turn is None
    watch, posted = make_watch(otel_endpoint="http://127.0.0.1:9"), []
    assert watch.collector is not None
    assert watch.collector.url == "http://127.0.0.1:9/v1/traces"
    watch.collector.post = lambda url, body: posted.append(json.loads(body))
    watch.send_traces()
    watch.shared.metrics.observe_turn("answered", {"stt_final": 20.0}, 20.0, 1.0)
    watch.send_traces()
    watch.collector.close()
    assert watch.collector.join(5)
    (told,) = posted
    spans = told["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["name"] for span in spans] == ["turn", "stt_final"]


async def test_it_reads_the_last_rows_when_it_starts(make_watch: MakeWatch) -> None:
    """What an earlier process kept is shown again; a cancel ends the watch."""
    watch = make_watch()
    old = Minute(1, 0, 0.0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0, 0.0, "")
    watch.history.keep(old)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while not watch.minutes:
            await asyncio.sleep(0.005)
    assert watch.minutes == [old]
    running.cancel()
    (ended,) = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)
