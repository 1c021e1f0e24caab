"""server/watching/alert_rules.py: each rule is raised by what it is about, and cleared after it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from rag.index_keeper import IndexKeeper
from server.cache.ladder import Ladder
from server.cache.redis_tier import RedisTier
from server.deadline import Deadline
from server.permits import Permits, Ticket
from server.surroundings import Surroundings
from server.watching import alert_rules
from server.watching.alerts import HOLD_S, AlertName
from server.watching.health_watch import make_health_watch
from server.watching.post import Poster, Purpose
from tests.fake_chat import FakeChat
from tests.server.conftest import MakeStand

OVER_A_MINUTE_S = 70.0
GIGABYTE = 1 << 30


@dataclass(slots=True)
class World:
    """A server's surroundings, and the time and the memory that its figures are read with."""

    shared: Surroundings
    now_s: float = field(default_factory=time.monotonic)
    resident_bytes: int = GIGABYTE // 2
    tickets: list[Ticket] = field(default_factory=list)

    def observe(self, turns: int, latency_ms: float) -> None:
        for _ in range(turns):
            self.shared.metrics.observe_turn("answered", {}, latency_ms)

    def look_up(self, hits: int, misses: int) -> None:
        for number in range(hits + misses):
            self.shared.metrics.count_cache("search", is_hit=number < hits)

    def notice(self, *notices: str) -> None:
        """What the index's keeper has to say."""

        @dataclass(frozen=True, slots=True)
        class Keeper:
            alerts: tuple[str, ...]

        room = self.shared.engine_room
        keeper = cast(IndexKeeper, Keeper(notices))
        room.change(knowledge=replace(room.current.knowledge, keeper=keeper))

    @property
    def line(self) -> Permits:
        return self.shared.stages.search.permits

    def fill_line(self) -> None:
        self.line.resize(0, 1)
        self.tickets.append(self.line.request(Deadline.after(60), lambda: None))

    def empty_line(self) -> None:
        self.line.withdraw(self.tickets.pop())

    @property
    def redis(self) -> RedisTier:
        ladder = self.shared.stages.ladder
        assert ladder is not None
        assert ladder.redis is not None
        return ladder.redis

    @property
    def endpoint(self) -> Any:
        chat = self.shared.engine_room.current.chat
        assert chat is not None
        return chat.endpoints[0]

    def go_on(self, seconds: float) -> None:
        self.now_s += seconds

    def take(self, share: float) -> None:
        self.resident_bytes = int(share * GIGABYTE)


Happening = Callable[[World], None]
HAPPENINGS: dict[str, tuple[AlertName, Happening, Happening]] = {
    "slow turns, then quick ones": (
        AlertName.LATENCY_OVER_TARGET,
        lambda world: world.observe(30, 900),
        lambda world: world.observe(900, 300),
    ),
    "misses, then hits": (
        AlertName.HIT_RATE_LOW,
        lambda world: world.look_up(130, 70),
        lambda world: world.look_up(200, 0),
    ),
    "a call turned away, then none for a minute": (
        AlertName.QUEUE_FULL,
        lambda world: world.shared.metrics.count_stage_error("tts", "stage_busy"),
        lambda world: world.go_on(OVER_A_MINUTE_S),
    ),
    "a full line, then an empty one": (AlertName.QUEUE_FULL, World.fill_line, World.empty_line),
    "memory taken, then given back": (
        AlertName.MEMORY_HIGH,
        lambda world: world.take(0.81),
        lambda world: world.take(0.74),
    ),
    "a blocked loop, then none for a minute": (
        AlertName.LOOP_LAG_HIGH,
        lambda world: world.shared.metrics.observe_loop_lag(200),
        lambda world: world.go_on(OVER_A_MINUTE_S),
    ),
    "a recall that was missed, then reached": (
        AlertName.INDEX_IMPAIRED,
        lambda world: world.notice("recall@10 of 0.9 at most, 0.97 is asked for"),
        World.notice,
    ),
    "Redis away, then back": (
        AlertName.BREAKER_OPEN,
        lambda world: world.redis.breaker.failed(),
        lambda world: world.redis.breaker.succeeded(),
    ),
    "a language model away, then back": (
        AlertName.LLM_UNAVAILABLE,
        lambda world: world.endpoint.failed(),
        lambda world: world.endpoint.probed(None),
    ),
}


@pytest.fixture
async def world(make_stand: MakeStand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """With Redis and a language model, neither of which is asked for anything."""
    stand = make_stand(
        chats=[FakeChat()], data_dir=tmp_path, target_ms=700, memory_maximum_mb=GIGABYTE >> 20
    )
    ladder = Ladder(RedisTier("redis://127.0.0.1:1/0"), None, stand.shared.metrics.cache, 60)
    stages = replace(stand.shared.stages, ladder=ladder)
    made = World(replace(stand.shared, stages=stages))
    monkeypatch.setattr(made.shared.metrics, "_clock", lambda: made.now_s)
    monkeypatch.setattr(alert_rules, "resident_bytes", lambda: made.resident_bytes)
    return made


@pytest.mark.parametrize("what", HAPPENINGS)
async def test_each_rule_is_raised_and_cleared_and_told_everywhere(
    world: World, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Alone, in `/stats`, as a gauge, in the log and to the webhook, both times."""
    name, begin, end = HAPPENINGS[what]
    posted: list[dict[str, object]] = []
    watch = make_health_watch(world.shared, ())
    watch.monotonic_s = lambda: world.now_s
    metrics = world.shared.metrics
    watch.webhook = Poster(
        Purpose.ALERT, "http://x", metrics, lambda url, body: posted.append(json.loads(body))
    )

    def judged() -> tuple[list[AlertName], float | None]:
        for _ in range(2):
            watch.judge()
            world.go_on(HOLD_S)
        gauge = metrics.registry.get_sample_value("parley_alert", {"alert": name})
        return [alert.name for alert in watch.raised()], gauge

    assert judged() == ([], 0)
    begin(world)
    assert judged() == ([name], 1)
    end(world)
    assert judged() == ([], 0)
    watch.close()
    assert watch.webhook.join(5)
    assert [told["state"] for told in posted] == ["raised", "cleared"]
    assert f"alert {name} raised" in caplog.text
    assert f"alert {name} cleared" in caplog.text


def test_no_alert_is_left_out() -> None:
    """Every name that `parley_alert` can have is raised and cleared above."""
    assert {name for name, _, _ in HAPPENINGS.values()} == set(AlertName)
