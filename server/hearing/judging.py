"""Recognises what was said into an answer and says what it was; server/session.py acts on it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from audio.endpoint import UtteranceEnded
from server.deadline import Deadline
from server.errors import StageError
from server.hearing.interruption import Interruption, classify
from server.pipeline import Pipeline
from server.settings import Settings
from server.watching.metrics import Metrics
from server.wire.outbox import Outbox

ECHO_REACH_S = 2.0
"""An echo may be this old: a client's buffer, its loudspeaker, the room, and the way back."""
AFTER_ANSWER_S = 1.0
"""Speech that begins within it of the answer's last sound may be its echo."""
LATELY_S = 10.0
"""Of an answer that is over so much is kept, to know its echo by."""


@dataclass(slots=True)
class LatelySaid:
    """The last words of the last answer, and until when they were heard."""

    text: str = ""
    _until_s: float = 0.0

    def remember(self, text: str, now_s: float) -> None:
        """Note that an answer ended; one without words changes nothing."""
        if text:
            self.text, self._until_s = text, now_s

    def may_echo_in(self, began_at_s: float) -> bool:
        """Whether speech began so soon after the answer that it may be an echo, or a last "ok"."""
        return bool(self.text) and began_at_s < self._until_s + AFTER_ANSWER_S


OnJudged = Callable[[Interruption, UtteranceEnded], Awaitable[None]]


@dataclass(slots=True)
class Judging:
    """One session's, told in the order in which they were said.

    `pipeline` binds the stages for a call made now.
    """

    settings: Settings
    outbox: Outbox
    metrics: Metrics
    pipeline: Callable[[], Pipeline]
    on_judged: OnJudged
    _task: asyncio.Task[None] | None = None
    """The last that was begun."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def is_under_way(self) -> bool:
        """Whether it is being found out what was said."""
        return bool(self._tasks)

    @property
    def has_more(self) -> bool:
        """Whether something said later waits behind the judgement that is being told."""
        return self._task is not asyncio.current_task()

    def begin(self, group: asyncio.TaskGroup, utterance: UtteranceEnded, being_said: str) -> None:
        """Recognise what was said while `being_said` was spoken, and tell what it was."""
        before = self._task if self.is_under_way else None
        self._task = group.create_task(self._judge(utterance, being_said, before))
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)

    def drop(self) -> bool:
        """What was said before a clear or another question ends nothing any more; return whether
        it was still to be judged.
        """
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        return bool(others)

    async def _judge(
        self, utterance: UtteranceEnded, being_said: str, before: asyncio.Task[None] | None
    ) -> None:
        """A recogniser that fails is told, and what was said counts as nothing."""
        deadline = Deadline.after(self.settings.turn_timeout_s)
        kind = Interruption.NOTHING
        try:
            heard = await self.pipeline().transcribe(utterance.spoken, deadline)
        except StageError as error:
            await self.outbox.error(error)
        else:
            kind = classify(heard.value.text, being_said)
            self.metrics.count_interruption(kind)
        if before is not None:
            await asyncio.wait([before])
        await self.on_judged(kind, utterance)
