"""The reports of the process: /health, /ready, /metrics, /stats, /history. It only reads."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from server.admission import Admission
from server.cache.memory_tier import CacheCounts
from server.cache.question_vectors import NAME as VECTORS
from server.configuration.reloader import Reloader
from server.door.memory_guard import bound_of
from server.session import Session
from server.settings import Settings
from server.surroundings import Surroundings
from server.watching.health_watch import HealthWatch
from server.watching.history import columns
from server.watching.machine import resident_bytes
from server.web import Page, Report, json_page


class Reports:
    """Renders what the process knows of itself."""

    def __init__(
        self,
        shared: Surroundings,
        sessions: Mapping[str, Session],
        admission: Admission,
        health: HealthWatch,
        calibration: str = "",
        is_stopping: Callable[[], bool] = lambda: False,
        reloader: Reloader | None = None,
    ) -> None:
        self._shared = shared
        self._admission = admission
        self._sessions = sessions
        self._health = health
        self._calibration = calibration
        self._is_stopping = is_stopping
        self._reloader = reloader

    def pages(self) -> dict[str, Report]:
        """Return path to report."""
        return {
            "/health": self.health,
            "/ready": self.ready,
            "/metrics": self.metrics,
            "/stats": self.stats,
            "/history": self.history,
        }

    def public_pages(self) -> dict[str, Report]:
        """Return what a balancer needs and who has no token may know."""
        return {"/health": self.is_well, "/ready": self.ready}

    def is_well(self) -> Page:
        """JSON: the status of `health` and nothing else."""
        whole = self.health()
        return json_page({"status": json.loads(whole.body)["status"]}, whole.status)

    def health(self) -> Page:
        """JSON: status, stuck stages, engines and why, calibration, index, version.

        503 with the same JSON while it stops, and while every thread of a stage hangs: a check that
        looks at nothing else then has the process replaced.
        """
        engines = self._shared.engine_room.current
        stuck = [stage.name for stage in self._stages() if stage.permits.is_stuck]
        status = "stopping" if self._is_stopping() else "degraded" if stuck else "ok"
        return json_page(
            {
                "status": status,
                "stuck": stuck,
                "version": self._shared.version,
                "preset": str(self._settings.preset),
                "engines": engines.names(),
                "notes": list(engines.notes),
                "calibration": self._calibrated(),
                "index": engines.knowledge.describe(),
                "sessions": len(self._sessions),
                "degraded": list(self._shared.governor.steps),
                "language_model": engines.chat.status() if engines.chat else None,
            },
            200 if status == "ok" else 503,
        )

    def ready(self) -> Page:
        """Plain text; 503 while it stops or has no place, so that a balancer looks elsewhere."""
        if self._is_stopping():
            return Page(b"stopping\n", "text/plain", 503)
        is_full = len(self._sessions) >= self._settings.sessions_maximum
        if is_full or self._admission.is_memory_short():
            return Page(b"at capacity\n", "text/plain", 503)
        return Page(b"ready\n", "text/plain")

    def metrics(self) -> Page:
        """Prometheus text format."""
        return Page(self._shared.metrics.render(), "text/plain; version=0.0.4; charset=utf-8")

    def stats(self) -> Page:
        """JSON: durations by window, caches, permits, memory, engines, index, alerts."""
        engines = self._shared.engine_room.current
        return json_page(
            {
                **self._shared.metrics.summary(),
                "cache_tiers": self._shared.metrics.cache.summary(),
                "cache": self._caches(),
                "permits": {stage.name: _permit_counts(stage) for stage in self._stages()},
                "load": round(self._shared.governor.load, 3),
                "degraded": list(self._shared.governor.steps),
                "predicted_ms": round(self._admission.predicted_ms, 1),
                "limit_ms": round(self._admission.limit_ms, 1),
                "sessions": len(self._sessions),
                "index": engines.knowledge.status() | {"alerts": list(engines.knowledge.alerts)},
                "engines": engines.names(),
                "language_model": self._language_model(),
                "memory": self._memory(),
                "process": {
                    "tasks": len(asyncio.all_tasks()),
                    "threads": threading.active_count(),
                },
                "settings": {} if self._reloader is None else self._reloader.plain(),
                "alerts": [asdict(alert) for alert in self._health.raised()],
            }
        )

    def history(self) -> Page:
        """JSON: the last three hours, a value a minute in each list, oldest first."""
        return json_page(columns(self._health.minutes))

    def _language_model(self) -> dict[str, object] | None:
        chat = self._shared.engine_room.current.chat
        if chat is None:
            return None
        return {**self._shared.metrics.llm.summary(), "endpoints": chat.status()}

    @property
    def _settings(self) -> Settings:
        """Those in effect now."""
        return self._shared.settings if self._reloader is None else self._reloader.live.current

    def _memory(self) -> dict[str, int]:
        return {
            "resident_bytes": resident_bytes(),
            "bound_bytes": bound_of(self._settings),
            "cache_limit_bytes": sum(cache.limit_bytes for cache in self._shared.stages.caches()),
            "refuses_sessions": self._admission.is_memory_short(),
        }

    def _calibrated(self) -> dict[str, str | int]:
        """Tell the values in effect, and what is said of them."""
        settings = self._settings
        return {
            "note": self._calibration,
            "stt_threads": settings.stt_threads,
            "stt_permits": settings.stt_permits,
            "stt_margin_frames": settings.stt_margin_frames,
            "search_permits": settings.search_permits,
            "tts_threads": settings.tts_threads,
            "tts_permits": settings.tts_permits,
        }

    def _caches(self) -> dict[str, dict[str, float]]:
        counts = {stage.name: _cache_counts(stage.cache.counts) for stage in self._stages()}
        return counts | {VECTORS: _cache_counts(self._shared.stages.vectors.cache.counts)}

    def _stages(self) -> tuple[Any, ...]:
        return self._shared.stages.all()


def _cache_counts(counts: CacheCounts) -> dict[str, float]:
    return {
        "hits": counts.hits,
        "misses": counts.misses,
        "hit_rate": round(counts.hit_rate, 4),
        "saved_ms": round(counts.saved_ms, 1),
        "evictions": counts.evictions,
        "size_bytes": counts.size_bytes,
    }


def _permit_counts(stage: Any) -> dict[str, int]:
    permits = stage.permits
    return {"limit": permits.limit, "in_use": permits.in_use, "waiting": permits.waiting}
