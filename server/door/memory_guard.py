"""Keeps the process within its memory: caches shrink first, then no new session is let in.

Sessions that run are never cut for it. It measures by what the kernel says is resident.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.errors import StartError
from server.pipeline import Stages
from server.settings import Settings
from server.watching.machine import resident_bytes, trim_memory, usable_memory_bytes
from server.watching.metrics import Metrics

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
SQUEEZED_FROM: Final = 0.85
"""Of the bound. The alert is raised at 0.80, so that somebody may act before this does."""
RELAXED_UNDER: Final = 0.75
SHUT_FROM: Final = 0.95
OPENED_UNDER: Final = 0.90
SMALLEST_SHARE: Final = 1 / 16
"""A cache with less is emptied."""


@dataclass(slots=True)
class MemoryGuard:
    """One process's guard. For one event loop; `look` is quick, and `run` looks once a second."""

    stages: Stages
    metrics: Metrics
    bound_bytes: int
    resident_bytes: Callable[[], int] = resident_bytes
    trim: Callable[[], None] = trim_memory
    share: float = 1.0
    """Of their limits, what the memory caches may use now."""
    is_shut: bool = False
    """Whether memory is too short for one session more."""

    async def run(self) -> None:
        """Look until cancelled; memory that caches gave up goes back to the system."""
        while True:
            await asyncio.sleep(LOOK_S)
            share = self.share
            self.look()
            if self.share < share:
                await asyncio.to_thread(self.trim)

    def apply(self, settings: Settings) -> None:
        """Keep to the bound that the settings say now."""
        self.bound_bytes = bound_of(settings)

    def look(self) -> None:
        """Take in how much is used now, and squeeze, relax, shut or open by one step."""
        used = self.resident_bytes() / self.bound_bytes
        if used >= SQUEEZED_FROM and self.share:
            halved = self.share / 2
            self._squeeze(halved if halved >= SMALLEST_SHARE else 0.0, used)
        elif used < RELAXED_UNDER and self.share < 1:
            self._squeeze(min(1.0, max(SMALLEST_SHARE, 2 * self.share)), used)
        is_shut = used >= (OPENED_UNDER if self.is_shut else SHUT_FROM)
        if is_shut is not self.is_shut:
            self.is_shut = is_shut
            told = "no session is let in" if is_shut else "sessions are let in again"
            log.warning("memory is at %.0f%% of its bound: %s", 100 * used, told)

    def refuse_start(self) -> None:
        """Raise StartError when what was loaded already takes all that may be used."""
        used_bytes = self.resident_bytes()
        if used_bytes >= SHUT_FROM * self.bound_bytes:
            raise StartError(
                f"PARLEY_MEMORY_MAXIMUM_MB is {self.bound_bytes >> 20}: models and index alone "
                f"take {used_bytes >> 20} MB, so that no session could be let in"
            )

    def _squeeze(self, share: float, used: float) -> None:
        self.share = share
        for cache in self.stages.caches():
            cache.squeeze(share)
        self.metrics.set_cache_share(share)
        log.warning(
            "memory is at %.0f%% of its bound: caches may use %.0f%% of their limits",
            100 * used,
            100 * share,
        )


def bound_of(settings: Settings) -> int:
    """Return the bytes to keep to: the setting, else the control group's limit or the machine's."""
    return settings.memory_maximum_mb << 20 or usable_memory_bytes()
