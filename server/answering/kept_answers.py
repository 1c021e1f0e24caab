"""Whole answers of a language model, kept in memory and in the tiers below it. It asks no model."""

import asyncio
from dataclasses import dataclass

from server.answering.cutting import Spoken
from server.cache.ladder import Looked, LowerTiers
from server.cache.memory_tier import MemoryCache
from server.deadline import Deadline
from server.watching.metrics import Metrics

STAGE = "llm"
"""Of the keys and metrics of the cache; it is no stage with permits and threads."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer from its first piece to its last, as it was cut for speaking."""

    pieces: tuple[Spoken, ...]
    is_refusal: bool
    """The model found nothing in the passages; then there are no pieces."""
    engine: str


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """For one event loop, without locks."""

    memory: MemoryCache[Told]
    lower: LowerTiers[Told] | None
    metrics: Metrics

    async def look(self, key: str, deadline: Deadline) -> Told | None:
        """Return the answer kept under the key; None when there is none."""
        told = self.memory.get(key) or await self._look_below(key, deadline)
        self.metrics.count_cache(STAGE, is_hit=told is not None)
        return told

    def keep(self, key: str, told: Told, cost_ms: float) -> None:
        """Keep a whole answer."""
        self.memory.put(key, told, cost_ms)
        if self.lower is not None:
            self.lower.store(key, told, cost_ms)

    async def _look_below(self, key: str, deadline: Deadline) -> Told | None:
        if self.lower is None:
            return None
        found: asyncio.Future[Looked[Told]] = asyncio.get_running_loop().create_future()

        def deliver(looked: Looked[Told]) -> None:
            if not found.done():
                found.set_result(looked)

        lookup = self.lower.look(key, deadline, deliver)
        try:
            looked = await found
        finally:
            lookup.cancel()
        if looked.lease is not None:
            # An answer takes longer than a lease lasts: whoever asks meanwhile asks the model too.
            self.lower.release(looked.lease)
        if looked.kept is None:
            return None
        self.memory.put(key, looked.kept.value, looked.kept.cost_ms, looked.kept.age_s)
        return looked.kept.value


def told_bytes(told: Told) -> int:
    """What an answer counts for in memory."""
    return 256 + sum(128 + len(each.text) + len(each.sentence) for each in told.pieces)
