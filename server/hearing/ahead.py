"""One session's work ahead of the endpoint: begins it at a pause, drops it, hands it to the turn.

It also sets how long the endpoint waits, as soon as the words are known. It answers nothing itself.
"""

import asyncio
from collections.abc import Callable

import numpy as np

from audio.endpoint import Delivery, SpeechPaused
from audio.pcm import Samples
from server.hearing.ears import RATE_HZ, Ears
from server.hearing.endpointing import Heard, Reason, Wait, WaitLimits, wait_for
from server.hearing.partials import Partials
from server.hearing.speculation import Fate, OnUnderstood, Speculation
from server.permits import Permits
from server.settings import Settings
from server.watching.metrics import Metrics

MakeSpeculation = Callable[[Samples, OnUnderstood], Speculation]


class Ahead:
    """At most one speculation at a time. For one event loop, without locks."""

    def __init__(
        self,
        settings: Settings,
        ears: Ears,
        group: asyncio.TaskGroup,
        recognition: Permits,
        metrics: Metrics,
        make: MakeSpeculation,
        partials: Partials,
    ) -> None:
        self._is_enabled = settings.speculation and settings.cache_enabled
        self.limits = WaitLimits(settings.endpoint_shortest_ms, settings.endpoint_longest_ms)
        self._ears = ears
        self._group = group
        self._recognition = recognition
        self._metrics = metrics
        self._make = make
        self.partials = partials
        self._delivery = Delivery(0)
        self._current: Speculation | None = None
        self._task: asyncio.Task[None] | None = None
        self.wait = self._fixed()

    def listen(self, item_id: str) -> None:
        """Somebody begins to speak; it will be this item."""
        self.wait = self._fixed()
        self.partials.begin(item_id)

    def begin(self, samples: Samples, pause: SpeechPaused) -> None:
        """Guess that the utterance is over: at a pause's first report when the recogniser is idle,
        else at the long one, unless more wait for it then than it hears at once. `samples` end with
        the pause's own; speech that was taken back comes before.
        """
        self.partials.stop()
        if pause.is_long and self._current is not None:
            return
        self.give_up(Fate.CHANGED)
        if not self._is_enabled or not self._may_begin(pause.is_long):
            return
        taken_back_ms = (len(samples) - len(pause.samples)) * 1000 // RATE_HZ
        self._delivery = Delivery(
            pause.delivery.speech_ms + taken_back_ms, pause.delivery.longest_pause_ms
        )
        if self._recognition.is_idle:
            # In a line the words may come too late: the fixed wait holds until they do.
            self._set_wait(self.limits.at(1.0, Reason.UNHEARD))
        self._current = self._make(samples, self._understood)
        self._task = self._group.create_task(self._current.run())

    def give_up(self, fate: Fate) -> None:
        """Drop the guess, if there is one: the person went on, or something else was committed.

        Its words say nothing of the next pause.
        """
        if self._current is not None:
            self._metrics.count_speculation(fate)
        self.stop()
        self.wait = self._fixed()
        self._ears.wait(self.wait.silence_ms)

    def take(self, samples: Samples) -> Speculation | None:
        """Hand over the guess when it was about these samples; call `stop` when the turn runs."""
        guess, self._current = self._current, None
        if guess is None:
            return None
        is_same = len(guess.samples) == len(samples) and np.array_equal(guess.samples, samples)
        self._metrics.count_speculation(Fate.USED if is_same else Fate.CHANGED)
        if not is_same:
            self.stop()
            return None
        return guess

    def stop(self) -> None:
        """Cancel what still runs; no speculation is counted."""
        self.partials.stop()
        task, self._task, self._current = self._task, None, None
        if task is not None:
            task.cancel()

    def _may_begin(self, is_long: bool) -> bool:
        line = self._recognition
        if line.is_idle or (is_long and line.waiting <= line.limit):
            return True
        if is_long:
            self._metrics.count_speculation(Fate.SKIPPED)
        return False

    def _understood(self, heard: Heard) -> Wait:
        wait = wait_for(heard, self._delivery, self.limits)
        self._set_wait(wait)
        return wait

    def _set_wait(self, wait: Wait) -> None:
        if self._ears.settings.is_by_words and self._current_or_new():
            self.wait = wait
            self._ears.wait(wait.silence_ms)

    def _current_or_new(self) -> bool:
        """Words that arrive after the utterance was taken must not change the next one's wait."""
        return self._task is None or self._current is not None

    def _fixed(self) -> Wait:
        return Wait(self._ears.settings.endpoint.silence_ms, Reason.FIXED)
