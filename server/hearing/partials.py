"""Words while the person still speaks: tells those that two recognitions in a row agree on.

It decides no wait and answers nothing. All of it may be left out: whatever else wants the
recogniser goes first, and a recogniser that is too slow for it is left alone.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from audio.pcm import Samples
from server.deadline import Deadline
from server.errors import StageError
from server.governor import Step
from server.permits import Permits
from server.pipeline import Pipeline
from server.settings import Settings
from server.watching.metrics import Metrics

_SEARCHED_WORDS = 4
"""Fewer words than this are no question yet."""


class PartialFate(StrEnum):
    """What became of a partial recognition; counted in /metrics."""

    TOLD = "told"
    UNSTABLE = "unstable"
    """It agreed with the one before on no new word."""
    SKIPPED = "skipped"
    """Not begun: the recogniser or the cores were busy, or the load is high."""
    TOO_SLOW = "too_slow"
    """Not begun: the one before took more than half of the time between two."""
    DROPPED = "dropped"
    """The person paused before it was done."""
    FAILED = "failed"


@dataclass(slots=True)
class Agreement:
    """The words at the start of an utterance that two readings in a row had in common."""

    agreed: list[str] = field(default_factory=list)
    """Only ever grows; what it holds has been told."""
    _last: list[str] = field(default_factory=list)

    def add(self, reading: str) -> list[str]:
        """Take one reading; return the words that are newly agreed on.

        None are while the readings contradict what was agreed on before.
        """
        words = reading.split()
        common = _common(self._last, words)
        self._last = words
        known = len(self.agreed)
        if _common(self.agreed, words[:common]) < known:
            return []
        fresh = words[known:common]
        self.agreed += fresh
        return fresh


def _common(first: list[str], second: list[str]) -> int:
    """Return how many words at the start are the same but for case and punctuation."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if _bare(one) != _bare(other):
            break
        count += 1
    return count


def _bare(word: str) -> str:
    return re.sub(r"[^\w']", "", word).lower()


class Partials:
    """One session's partial recognitions, one at a time. For one event loop, without locks."""

    def __init__(
        self,
        settings: Settings,
        group: asyncio.TaskGroup,
        recognition: Permits,
        metrics: Metrics,
        pipeline: Callable[[], Pipeline],
        tell: Callable[[str, str], Awaitable[None]],
    ) -> None:
        """`tell` is called with the item's id and the words to add to what was told of it."""
        self._timeout_s = settings.turn_timeout_s
        self._longest_s = settings.partial_every_ms / 2000
        self._has_cache = settings.cache_enabled
        self._group = group
        self._recognition = recognition
        self._metrics = metrics
        self._pipeline = pipeline
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._is_open = False
        """Whether a recognition was begun whose fate is not counted yet."""
        self.begin("")

    def begin(self, item_id: str) -> None:
        """Another utterance begins, which will be this item."""
        self.stop()
        self._item_id = item_id
        self._agreement = Agreement()
        self._took_s = 0.0

    def hear(self, samples: Samples) -> None:
        """Recognise the utterance so far, unless the recogniser is wanted or too slow."""
        pipeline = self._pipeline()
        if Step.NO_PARTIALS in pipeline.steps or not self._recognition.is_idle:
            self._metrics.count_partial(PartialFate.SKIPPED)
        elif self._took_s > self._longest_s:
            self._metrics.count_partial(PartialFate.TOO_SLOW)
        else:
            self.stop()
            self._is_open = True
            self._task = self._group.create_task(self._run(samples, pipeline))

    def stop(self) -> None:
        """Tell nothing more of what is being recognised."""
        task, self._task = self._task, None
        self._settle(PartialFate.DROPPED)
        if task is not None:
            task.cancel()

    def _settle(self, fate: PartialFate) -> None:
        if self._is_open:
            self._metrics.count_partial(fate)
        self._is_open = False

    async def _run(self, samples: Samples, pipeline: Pipeline) -> None:
        deadline = Deadline.after(self._timeout_s)
        started_s = time.monotonic()
        try:
            heard = await pipeline.transcribe(samples, deadline)
            self._took_s = time.monotonic() - started_s
            fresh = self._agreement.add(heard.value.text)
            self._settle(PartialFate.TOLD if fresh else PartialFate.UNSTABLE)
            if fresh:
                await self._take(fresh, pipeline, deadline)
        except StageError:
            # The final recognition meets the same failure, or a better day, and tells the client.
            self._settle(PartialFate.FAILED)

    async def _take(self, fresh: list[str], pipeline: Pipeline, deadline: Deadline) -> None:
        agreed = self._agreement.agreed
        separator = " " if len(agreed) > len(fresh) else ""
        await self._tell(self._item_id, separator + " ".join(fresh))
        if self._has_cache and len(agreed) >= _SEARCHED_WORDS:
            await pipeline.search(" ".join(agreed), deadline)
