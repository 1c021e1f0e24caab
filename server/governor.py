"""Watches how much heavy work stands in line, and names the steps by which turns are made cheaper.

It changes nothing itself: those who build a turn ask which steps are taken. Pure but for the
sampling task; times are arguments.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from server.engines.room import Engines
from server.permits import Cores
from server.watching.loop_lag import sleep_and_measure
from server.watching.metrics import Metrics

log = logging.getLogger(__name__)


class Step(StrEnum):
    """What is given up, the least missed first; told in `parley.turn`, `/health` and `/stats`."""

    NO_PARTIALS = "no_partials"
    """Nothing is recognised while the person still speaks."""
    BRIEF_ANSWERS = "brief_answers"
    """One sentence instead of up to three: speech is three quarters of what a turn costs."""
    QUOTED_ANSWERS = "quoted_answers"
    """The documents are quoted and no language model is asked: taken too while it is slow."""
    SMALL_RECOGNIZER = "small_recognizer"
    """PARLEY_STT_SMALL_MODEL hears, where one is loaded."""


SAMPLE_S: Final = 0.1
MEMORY_S: Final = 3.0
"""Time constant of the average: longer than one burst, shorter than people's patience."""

TAKEN_FROM: Final = {
    Step.NO_PARTIALS: 0.75,
    Step.BRIEF_ANSWERS: 1.0,
    Step.QUOTED_ANSWERS: 1.5,
    Step.SMALL_RECOGNIZER: 2.0,
}
"""Calls that run or wait, a core. With Poisson arrivals two cores that are 50% busy have 0.67,
70% 1.4, 85% 3.1 (M/M/2), so a line that grows is met before it is long."""

GIVEN_BACK_FROM: Final = 0.4
"""Of the value that a step was taken from: what the step saves must not by itself end it."""


def offered_by(engines: Engines) -> tuple[Step, ...]:
    """Return what can be given up with these engines, the least missed first."""
    missing = {
        Step.SMALL_RECOGNIZER: engines.small_recognizer is None,
        Step.QUOTED_ANSWERS: engines.chat is None,
    }
    return tuple(step for step in Step if not missing.get(step))


def build_governor(
    cores: Cores, metrics: Metrics, engines: Engines, *, is_enabled: bool
) -> "Governor":
    """Return the governor of a process with these engines."""
    chat = engines.chat
    governor = Governor(cores, metrics, is_enabled, offered_by(engines))
    governor.is_model_slow = lambda: chat is not None and chat.is_slow
    return governor


@dataclass(slots=True)
class Governor:
    """The steps now taken. For one event loop, without locks."""

    cores: Cores
    metrics: Metrics
    is_enabled: bool = True
    offered: tuple[Step, ...] = tuple(Step)
    """See `offered_by`."""
    load: float = 0.0
    """Calls that run or wait, a core, averaged over MEMORY_S."""
    steps: tuple[Step, ...] = ()
    is_model_slow: Callable[[], bool] = lambda: False
    """Whether the language model keeps people waiting, whatever the load."""
    _taken: int = field(default=0, init=False)
    """How many of those offered the load has taken."""
    _sampled_at_s: float | None = field(default=None, init=False)

    async def run(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Sample until cancelled, and measure how late the event loop lets it."""
        while True:
            if self.is_enabled:
                self.sample(clock())
            self.metrics.observe_loop_lag(await sleep_and_measure(SAMPLE_S, clock))

    def enable(self, is_enabled: bool) -> None:
        """Turn it on or off; off, what was given up is given back at once."""
        self.is_enabled = is_enabled
        if not is_enabled and self.steps:
            self._taken = 0
            self._change(())

    def has(self, step: Step) -> bool:
        """Tell whether that step is taken now."""
        return step in self.steps

    def sample(self, now_s: float) -> None:
        """Take in how long the lines are now; steps are taken and given back one at a time."""
        elapsed_s = 0.0 if self._sampled_at_s is None else now_s - self._sampled_at_s
        self._sampled_at_s = now_s
        share = 1 - math.exp(-elapsed_s / MEMORY_S)
        now = (self.cores.in_use + self.cores.waiting) / self.cores.limit
        self.load += share * (now - self.load)
        self.metrics.set_load(self.load)
        self._decide()

    def _decide(self) -> None:
        ordered, count = self.offered, self._taken
        if count < len(ordered) and self.load >= TAKEN_FROM[ordered[count]]:
            self._taken += 1
        elif count and self.load < GIVEN_BACK_FROM * TAKEN_FROM[ordered[count - 1]]:
            self._taken -= 1
        is_slow = Step.QUOTED_ANSWERS in ordered and self.is_model_slow()
        steps = tuple(
            step
            for place, step in enumerate(ordered)
            if place < self._taken or (is_slow and step is Step.QUOTED_ANSWERS)
        )
        if steps != self.steps:
            self._change(steps)

    def _change(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.metrics.set_steps({step: step in steps for step in self.offered})
        log.warning("load %.2f a core: %s", self.load, ", ".join(steps) or "nothing is given up")
