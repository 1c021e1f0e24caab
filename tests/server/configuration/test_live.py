"""server/configuration/live.py: which settings may change while it runs, and that they then do."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from rag.answer import Answer
from server.admission import Admission
from server.cache.ladder import build_ladder
from server.configuration.applying import appliers_of
from server.configuration.live import (
    APPLIED_NOW,
    FOR_NEW_SESSIONS,
    Effect,
    LiveSettings,
    effect_of,
)
from server.deadline import Deadline
from server.door.doorkeeper import Doorkeeper
from server.door.memory_guard import MemoryGuard, bound_of
from server.governor import Step
from server.pipeline import Stages
from server.settings import LogLevel, Settings, SettingsError
from server.surroundings import Surroundings
from server.watching.health_watch import HealthWatch, make_health_watch
from server.watching.metrics import Metrics
from tests.server.conftest import MakeStand

NAMES = {item.name for item in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running server would be told."""

    live: LiveSettings
    shared: Surroundings
    admission: Admission
    door: Doorkeeper
    health: HealthWatch
    memory: MemoryGuard


@pytest.fixture
def level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


@pytest.fixture
async def parts(make_stand: MakeStand, tmp_path: Path, level: None) -> Any:
    stand = make_stand(data_dir=tmp_path)
    shared = stand.shared
    admission = Admission(shared.settings, shared.stages, shared.governor, shared.metrics)
    door = Doorkeeper.of(shared.settings, shared.metrics.count_refused)
    health = make_health_watch(shared, ())
    memory = MemoryGuard(shared.stages, shared.metrics, bound_of(shared.settings))
    live = LiveSettings(shared.settings, appliers_of(shared, admission, door, health, memory))
    yield Parts(live, shared, admission, door, health, memory)
    health.close()
    await stand.end()


def limit_of_alert(parts: Parts, name: str) -> float:
    standing = parts.health.book._standings
    return next(each.rule.raised_at for key, each in standing.items() if key == name)


PROBES: dict[str, tuple[Any, Callable[[Parts], Any]]] = {
    "token": ("a,b", lambda it: ",".join(it.door.rules.tokens.tokens)),
    "origins": (
        "https://a.example",
        lambda it: "".join(f"https://{each.name}" for each in it.door.rules.origins),
    ),
    "trusted_proxies": ("10.0.0.0/8", lambda it: "".join(map(str, it.door.rules.proxies))),
    "address_connections": (7, lambda it: it.door.addresses.limits.connections),
    "address_new_a_minute": (7, lambda it: it.door.addresses.limits.new_a_minute),
    "log_level": (
        LogLevel.ERROR,
        lambda it: logging.getLevelName(logging.getLogger().level).lower(),
    ),
    "search_permits": (3, lambda it: it.shared.stages.search.permits.limit),
    "answer_permits": (3, lambda it: it.shared.stages.answer.permits.limit),
    "tts_permits": (3, lambda it: len(it.shared.stages.tts._workers._threads)),
    "core_permits": (9, lambda it: it.shared.stages.cores.limit),
    "stage_queue_limit": (5, lambda it: it.shared.stages.stt.permits.queue_limit),
    "target_ms": (900, lambda it: limit_of_alert(it, "latency_over_target")),
    "degradation": (False, lambda it: it.shared.governor.is_enabled),
    "cache_bytes": (1234, lambda it: it.shared.stages.tts.cache.limit_bytes),
    "cache_ttl_s": (55.0, lambda it: it.shared.stages.tts.cache.ttl_s),
    "sessions_maximum": (2, lambda it: it.admission.settings.sessions_maximum),
    "admission_by_latency": (False, lambda it: it.admission.settings.admission_by_latency),
    "memory_maximum_mb": (77, lambda it: it.memory.bound_bytes >> 20),
    "drain_timeout_s": (77.0, lambda it: it.live.current.drain_timeout_s),
    "prespeak_documents": (3, lambda it: it.live.current.prespeak_documents),
    "rewarm_questions": (3, lambda it: it.live.current.rewarm_questions),
    "cache_disk_bytes": (99_999, lambda it: it.live.current.cache_disk_bytes),
}


def test_every_setting_is_in_exactly_one_class() -> None:
    """Now, for new sessions, or after a restart; none is in two and none has gone."""
    assert APPLIED_NOW.isdisjoint(FOR_NEW_SESSIONS)
    assert APPLIED_NOW | FOR_NEW_SESSIONS <= NAMES
    of_each = {effect: {name for name in NAMES if effect_of(name) is effect} for effect in Effect}
    assert sum(map(len, of_each.values())) == len(NAMES)
    for name in ("host", "port", "data_dir", "redis_url", "stt_permits", "tls_cert", "preset"):
        assert name in of_each[Effect.RESTART]
    assert set(PROBES) == of_each[Effect.NOW]


async def test_what_is_said_to_apply_now_does(parts: Parts) -> None:
    """The part that acts by the setting acts by its new value, of each one alone."""
    for name, (value, read) in PROBES.items():
        effective, changes = parts.live.plan(replace(parts.live.current, **{name: value}))
        assert (len(changes.now), changes.restart) == (1, ()), name
        assert read(parts) != value, name
        parts.live.put(effective)
        assert read(parts) == value, name


async def test_what_waits_for_a_restart_is_told_and_not_in_effect(parts: Parts) -> None:
    """The rest of the same reading is."""
    wanted = replace(parts.live.current, port=9, lead_ms=200, sessions_maximum=2)
    effective, changes = parts.live.plan(wanted)
    assert changes.now == ("PARLEY_SESSIONS_MAXIMUM",)
    assert changes.new_sessions == ("PARLEY_LEAD_MS",)
    assert changes.restart == ("PARLEY_PORT",)
    assert (effective.port, effective.lead_ms) == (parts.live.current.port, 200)


def test_an_address_that_stays_open_keeps_its_token() -> None:
    """Token and host go together in the file; the host stays as it is until a restart."""
    live = LiveSettings(Settings(host="0.0.0.0", token="secret"))
    with pytest.raises(SettingsError, match="PARLEY_TOKEN"):
        live.plan(Settings())
    assert live.current.token == "secret"


async def test_calls_that_wait_run_when_permits_are_added(parts: Parts) -> None:
    """And none is cut when they are taken away."""
    stages = parts.shared.stages
    granted: list[int] = []
    deadline = Deadline.after(60)
    tickets = [
        stages.search.permits.request(deadline, lambda number=number: granted.append(number))  # type: ignore[misc]
        for number in range(3)
    ]
    assert granted == [0]
    parts.live.put(replace(parts.live.current, search_permits=2))
    assert granted == [0, 1]
    parts.live.put(replace(parts.live.current, search_permits=1))
    stages.search.permits.release(tickets[0])
    assert granted == [0, 1]
    stages.search.permits.release(tickets[1])
    assert granted == [0, 1, 2]
    stages.search.permits.release(tickets[2])


async def test_a_cache_that_shrinks_drops_the_least_used(parts: Parts) -> None:
    """At once, not at the next write; and what was given up is given back without degradation."""
    cache = parts.shared.stages.answer.cache
    cache._size_of = lambda value: 99
    for name in "abc":
        cache.put(name, Answer(name, (), (), False, 1.0))
    parts.live.put(replace(parts.live.current, cache_bytes=250))
    assert [cache.get(name) is None for name in "abc"] == [True, False, False]
    parts.shared.governor.steps = (Step.NO_PARTIALS,)
    parts.live.put(replace(parts.live.current, degradation=False))
    assert not parts.shared.governor.steps


async def test_the_disk_keeps_to_its_new_size(parts: Parts, tmp_path: Path) -> None:
    """From the next write on."""
    settings = replace(parts.live.current, data_dir=tmp_path, cache_disk_bytes=1 << 20)
    ladder = build_ladder(settings, Metrics().cache)
    assert ladder is not None
    assert ladder.disk is not None
    stages = Stages.build(settings, Metrics(), ladder)
    stages.apply(replace(settings, cache_disk_bytes=1 << 17))
    for number in range(8):
        ladder.disk.put(f"tts:{number}", bytes(60_000), 1000)
        assert ladder.disk.tallies()["tts"].size_bytes <= 1 << 17
    await ladder.stop()
    ladder.disk.close()
    for stage in stages.all():
        stage.close()
