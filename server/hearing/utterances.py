"""What is being said in one session: told as speech, carried on when taken back, made an item.

It decides nothing; server/session.py does.
"""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from audio.endpoint import SpeechStarted, UtteranceEnded
from audio.pcm import Samples
from server.governor import Step
from server.hearing.ahead import Ahead
from server.hearing.ears import RATE_HZ, Ears
from server.items import Items
from server.question import Question
from server.speaking.response import Wish
from server.wire import server_events as told
from server.wire.detection import Detection
from server.wire.outbox import Outbox


def _nothing() -> Samples:
    return np.zeros(0, np.float32)


@dataclass(slots=True)
class Utterances:
    """One session's speech between the ears and the conversation."""

    items: Items
    outbox: Outbox
    ears: Ears
    ahead: Ahead
    maximum_s: int
    carried: Samples = field(default_factory=_nothing)
    """Speech of a question that goes on: the beginning of the next item."""
    untold: SpeechStarted | None = None
    """Speech into an answer, which the client is not told of before it is judged."""
    _is_told: bool = False
    _silent_from_ms: int | None = None
    """Audio received when the last answer ended; None once somebody spoke."""

    async def tell(self, speech: SpeechStarted) -> None:
        """Tell that somebody speaks."""
        self.untold, self._is_told, self._silent_from_ms = None, True, None
        started_ms = speech.start_sample * 1000 // RATE_HZ
        await self.outbox.event(told.SpeechStarted(started_ms, self.items.next_id))
        self.ahead.listen(self.items.next_id)

    async def tell_untold(self) -> None:
        """Tell of the speech that was held back, if there is any."""
        if self.untold is not None:
            await self.tell(self.untold)

    @property
    def is_end_of_question(self) -> bool:
        """Whether what is being said goes on a question: even "okay" is then a part of it."""
        return len(self.carried) > 0

    def with_carried(self, samples: Samples) -> Samples:
        """Return the speech so far, what was carried first."""
        return np.concatenate([self.carried, samples])

    async def make_item(self, utterance: UtteranceEnded) -> tuple[str, Samples]:
        """Make what was said an item; return its id and its samples, with what was carried."""
        await self.tell_untold()
        ended_ms = utterance.end_sample * 1000 // RATE_HZ
        has_stopped = self._is_told or not self.outbox.dialect.is_stock
        self._is_told = False
        item_id = await self.items.add_speech(ended_ms, has_stopped=has_stopped)
        samples = self.with_carried(utterance.spoken)
        self.carried = _nothing()
        return item_id, samples[-self.maximum_s * RATE_HZ :]

    async def make_question(
        self, utterance: UtteranceEnded, wish: Wish, steps: tuple[Step, ...]
    ) -> Question:
        """Make what was said an item and a question, with what was found out ahead."""
        item_id, samples = await self.make_item(utterance)
        wait, guess = self.ahead.wait, self.ahead.take(samples)
        question = Question(
            item_id,
            self.ears.arrived_at_s(utterance.speech_end_sample),
            wish,
            samples,
            wait=wait,
            steps=steps,
        )
        if guess is None:
            return question
        return replace(question, ahead=guess.cache, steps=guess.pipeline.steps)

    def note_answered(self) -> None:
        """An answer ended: silence is counted from here."""
        self._silent_from_ms = self.ears.heard_ms

    async def prompt(self, detection: Detection | None, wish: Wish) -> Question | None:
        """Return a question without words once nobody has spoken for `idle_timeout_ms`, and tell
        so; None while there is time, once for each answer.
        """
        since_ms = self._silent_from_ms
        limit_ms = None if detection is None else detection.idle_timeout_ms
        if since_ms is None or limit_ms is None or self.ears.heard_ms - since_ms < limit_ms:
            return None
        self._silent_from_ms = None
        ended_ms, item_id = self.ears.heard_ms, self.items.next_id
        await self.outbox.event(told.TimeoutTriggered(since_ms, ended_ms, item_id))
        await self.items.add_speech(ended_ms, has_stopped=False)
        self.items.understood(item_id, "")
        return Question(item_id, time.monotonic(), wish)

    def forget(self) -> bool:
        """Forget what was said and not made an item; return whether the client was told of it."""
        was_told = self.untold is None
        self.carried = _nothing()
        self.untold, self._is_told = None, False
        return was_told
