"""Responses beside the conversation, several at a time; the session's states know none of them."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from server.errors import InvalidEvent
from server.question import Question
from server.turn import Turn
from server.turn_making import TurnMaker

MOST_ASIDES = 4
"""At once; each may be synthesising."""


@dataclass(slots=True)
class Asides:
    """One session's out-of-band responses."""

    maker: TurnMaker
    run: Callable[[Turn], Coroutine[None, None, None]]
    """Runs one; what it raises ends the session."""
    group: asyncio.TaskGroup
    _running: dict[str, tuple[Turn, asyncio.Task[None]]] = field(default_factory=dict)

    def start(self, question: Question) -> None:
        """Answer beside the conversation. Raises InvalidEvent when too many are being given."""
        if len(self._running) >= MOST_ASIDES:
            raise InvalidEvent(
                f"{MOST_ASIDES} responses outside of the conversation are being given already.",
                "response.conversation",
                code="too_many_responses",
            )
        turn = self.maker.turn(question, lambda: None)
        task = self.group.create_task(self.run(turn))
        self._running[turn.response_id] = turn, task
        task.add_done_callback(lambda done: self._running.pop(turn.response_id, None))

    async def cancel(self, response_id: str) -> bool:
        """Stop one; False when it is not being given."""
        if response_id not in self._running:
            return False
        turn, task = self._running[response_id]
        async with turn.telling:
            if not turn.is_ending:
                task.cancel()
        await asyncio.wait([task])
        return True

    async def stop(self) -> None:
        """Stop all."""
        for response_id in list(self._running):
            await self.cancel(response_id)
