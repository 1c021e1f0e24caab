"""What a client asks of responses: that one is created, cancelled or silenced.

Whether it may be is the session's table's business (server/state.py); this only finds which one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from server.asides import Asides
from server.asked import Asked
from server.question import Question
from server.running_answer import RunningAnswer
from server.speaking.response import Wish
from server.state import Action, Signal
from server.turn_taking import refusal
from server.wire import server_events as told
from server.wire.client_events import CreateResponse
from server.wire.session_config import SessionType

OnSignal = Callable[[Signal, Question | None], Awaitable[None]]


@dataclass(slots=True)
class Responses:
    """One session's."""

    asked: Asked
    asides: Asides
    answering: RunningAnswer
    signal: OnSignal

    async def create(self, event: CreateResponse) -> None:
        """Answer what is asked, in the conversation or beside it. Raises InvalidEvent."""
        if self.asked.maker.setup.config.type is SessionType.TRANSCRIPTION:
            raise refusal(Action.REFUSE_ANSWER)
        is_busy = self.asked.outbox.dialect.is_stock and self.answering.turn is not None
        if is_busy and not event.is_out_of_band:
            raise refusal(Action.REFUSE_RESPONSE)
        wish = Wish(event.config, event.is_out_of_band, event.metadata)
        question = await self.asked.question(event, wish)
        question = replace(question, steps=self.asked.maker.setup.shared.governor.steps)
        if event.is_out_of_band:
            self.asides.start(question)
        else:
            await self.signal(Signal.QUESTION_TYPED, question)

    async def cancel(self, response_id: str | None) -> None:
        """Stop the answer, or the response that is named. Raises InvalidEvent."""
        if response_id in (None, self.answering.response_id):
            await self.signal(Signal.CANCEL, None)
        elif not await self.asides.cancel(str(response_id)):
            raise refusal(Action.REFUSE_CANCEL, "response_id")

    async def silence(self) -> None:
        """Stop the answer, if there is one, and tell that no sound of it comes."""
        response_id = self.answering.response_id
        if response_id is not None:
            await self.signal(Signal.CANCEL, None)
        await self.asked.outbox.event(told.OutputCleared(response_id or ""))

    async def stop(self) -> None:
        """Give up what is beside the answer."""
        self.asked.stop()
        await self.asides.stop()
