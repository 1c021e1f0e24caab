"""Says whether one more session would still be answered in time, and when to come back if not.

It predicts from what is measured now: the work that stands in line and what each stage has lately
taken. It opens and closes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.errors import AtCapacity
from server.governor import Governor
from server.pipeline import Stages
from server.settings import Settings
from server.watching.metrics import Metrics

RETRY_AFTER_MS: Final = 2000
"""The least that a client is asked to wait: places are given back when people hang up."""

LINES: Final = 2
"""A first sound stands in line for its recognition and for its synthesis."""

ROOM_OVER_OWN_COST: Final = 1.25
"""On a machine whose own work takes longer than the target, load may add a quarter to it."""


@dataclass(slots=True)
class Admission:
    """The door's judgement. For one event loop."""

    settings: Settings
    """May be replaced: who comes next is judged by it."""
    stages: Stages
    governor: Governor
    metrics: Metrics
    is_memory_short: Callable[[], bool] = lambda: False
    """Whether the process has too little memory for one session more."""

    def apply(self, settings: Settings) -> None:
        """Judge by these from now on."""
        self.settings = settings

    def check(self, sessions: int) -> None:
        """Raise AtCapacity when a session beside these would wait too long, or has no place."""
        if sessions >= self.settings.sessions_maximum:
            self._refuse(f"All {self.settings.sessions_maximum} places are taken.", RETRY_AFTER_MS)
        if self.is_memory_short():
            self._refuse("Memory is too short for one session more.", RETRY_AFTER_MS)
        predicted_ms, limit_ms = self.predicted_ms, self.limit_ms
        is_judged = sessions and self.settings.admission_by_latency
        if is_judged and predicted_ms > limit_ms:
            self._refuse(
                f"A turn would take about {predicted_ms:.0f} ms now; {limit_ms:.0f} is the limit.",
                RETRY_AFTER_MS + round(predicted_ms - limit_ms),
            )

    @property
    def own_ms(self) -> float:
        """What a turn takes on an idle machine: the shortest wait, or the work hidden behind it."""
        work_ms = sum(stage.typical_ms for stage in self.stages.all())
        return max(float(self.settings.endpoint_shortest_ms), work_ms)

    @property
    def predicted_ms(self) -> float:
        """Voice-to-voice of a turn that began now.

        By Little's law the wait in line is the calls in line, a core, times what one takes.
        """
        in_line = max(0.0, self.governor.load - 1)
        heavy_ms = max(self.stages.stt.typical_ms, self.stages.tts.typical_ms)
        return self.own_ms + LINES * in_line * heavy_ms

    @property
    def limit_ms(self) -> float:
        """What is promised: the target, or a little over the machine's own time."""
        return max(float(self.settings.target_ms), ROOM_OVER_OWN_COST * self.own_ms)

    def _refuse(self, message: str, retry_after_ms: int) -> None:
        self.metrics.count_refused(AtCapacity.code)
        raise AtCapacity(message, retry_after_ms)
