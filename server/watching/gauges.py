"""Prometheus series that are read when they are asked for: permits, lines, caches, memory, index.

They cost nothing between two scrapes. It changes nothing.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from server.engines.room import EngineRoom
from server.pipeline import Stages
from server.settings import Settings
from server.watching.machine import open_descriptors, resident_bytes


def add_gauges(
    registry: CollectorRegistry,
    settings: Callable[[], Settings],
    stages: Stages,
    room: EngineRoom,
) -> None:
    """Put them into the registry, once; `settings` gives those in effect."""

    def gauge(name: str, told: str, *labels: str) -> Gauge:
        return Gauge(name, told, labels, registry=registry)

    limit = gauge("parley_permits_limit", "Permits of a stage", "stage")
    in_use = gauge("parley_permits_in_use", "Permits taken now", "stage")
    waiting = gauge("parley_stage_waiting", "Calls in the line of a stage now", "stage")
    for stage in stages.all():
        permits = stage.permits
        limit.labels(stage.name).set_function(partial(getattr, permits, "limit"))
        in_use.labels(stage.name).set_function(partial(getattr, permits, "in_use"))
        waiting.labels(stage.name).set_function(partial(getattr, permits, "waiting"))
    queue_limit = gauge("parley_stage_queue_limit", "Calls that may wait for one stage")
    queue_limit.set_function(lambda: settings().stage_queue_limit)
    sessions = gauge("parley_sessions_maximum", "Sessions that are let in")
    sessions.set_function(lambda: settings().sessions_maximum)
    target = gauge("parley_target_seconds", "Voice-to-voice that is aimed at")
    target.set_function(lambda: settings().target_ms / 1000)
    memory = gauge("parley_memory_bytes", "Memory that the process takes now")
    memory.set_function(resident_bytes)
    gauge("parley_tasks", "Tasks of the event loop now").set_function(_tasks)
    gauge("parley_threads", "Threads now").set_function(threading.active_count)
    gauge("parley_descriptors", "Files and sockets open now").set_function(open_descriptors)
    passages = gauge("parley_index_passages", "Passages in the index")
    passages.set_function(lambda: room.current.knowledge.passages)
    generation = gauge("parley_index_generation", "Generation of the index")
    generation.set_function(lambda: room.current.knowledge.generation)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        # Rendered by no event loop: then there are none.
        return 0
