"""The one answer that a session is giving: begun, stopped, released, and what was heard of it.

It makes none (server/turn.py does) and knows no states (server/session.py does).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from audio.endpoint import UtteranceEnded
from server.hearing.echo_guard import DOUBT_S
from server.hearing.judging import ECHO_REACH_S, LATELY_S, LatelySaid
from server.question import Question
from server.speaking.response import Cause
from server.turn import Turn
from server.turn_making import TurnMaker


@dataclass(slots=True)
class RunningAnswer:
    """At most one turn at a time. For one event loop, without locks."""

    maker: TurnMaker
    run: Callable[[Turn], Awaitable[None]]
    """Runs a turn and tells what it raises."""
    on_first_audio: Callable[[], None]
    on_ended: Callable[[Turn], None]
    """Called with a turn that ended by itself."""
    lately: LatelySaid = field(default_factory=LatelySaid)
    turn: Turn | None = None
    task: asyncio.Task[None] | None = None
    _begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def response_id(self) -> str | None:
        """The response that is being given, None when none is."""
        return None if self.turn is None else self.turn.response_id

    def start(self, question: Question, group: asyncio.TaskGroup) -> None:
        """Begin to answer; the turn before must be stopped."""
        self.turn = self.maker.turn(question, self.on_first_audio)
        self._begun.clear()
        self.task = group.create_task(self._see_through(self.turn))

    async def stop(self, cause: Cause | None = None) -> None:
        """End the answer, if there is one, and wait until the client was told."""
        task, turn = self.task, self.turn
        self.turn = self.task = None
        if task is not None and turn is not None:
            # A task that is cancelled before its first step would tell nothing.
            await self._begun.wait()
            if cause is not None:
                turn.cause = cause
            async with turn.telling:
                if not turn.is_ending:
                    task.cancel()
            await asyncio.wait([task])
        if turn is not None:
            self._remember(turn)

    def release(self) -> None:
        """Let a held answer go on."""
        if self.turn is not None:
            self.turn.player.release()

    def stand_still(self) -> None:
        """Send nothing for a moment: somebody may be speaking."""
        if self.turn is not None:
            self.turn.player.pause(DOUBT_S)

    def being_said(self, utterance: UtteranceEnded) -> str:
        """What was said aloud while this was heard, or just before."""
        reach_s = utterance.duration_s + ECHO_REACH_S
        return self.lately.text if self.turn is None else self.turn.player.said_since(reach_s)

    def may_echo_in(self, began_at_s: float) -> bool:
        """Whether speech that began then, after an answer, may be that answer's echo."""
        return self.turn is None and self.lately.may_echo_in(began_at_s)

    async def _see_through(self, turn: Turn) -> None:
        self._begun.set()
        await self.run(turn)
        if self.turn is turn:
            self._remember(turn)
            self.turn = self.task = None
            self.on_ended(turn)

    def _remember(self, turn: Turn) -> None:
        self.lately.remember(turn.player.said_since(LATELY_S), time.monotonic())
