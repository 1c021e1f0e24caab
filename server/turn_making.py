"""Binds the stages, limits and engines of the moment to one session's turns and guesses. It runs
none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from audio.pcm import Samples
from server.answering.conversation import EMPTY
from server.deadline import Deadline
from server.hearing.speculation import OnUnderstood, Speculation
from server.items import Items
from server.pipeline import Pipeline
from server.question import Question, TurnLimits
from server.session_settings import Setup
from server.turn import Turn
from server.wire.outbox import Outbox


@dataclass(slots=True)
class TurnMaker:
    """One session's. `rate_hz` is the voice's own at its start: all its turns are spoken at it."""

    setup: Setup
    outbox: Outbox
    items: Items
    rate_hz: int

    def turn(self, question: Question, on_first_audio: Callable[[], None]) -> Turn:
        """Return the turn that answers a question."""
        config = question.wish.config
        pipeline = replace(
            self.pipeline(question.asked_at_s),
            steps=question.steps,
            ahead=question.ahead or {},
            narrowing=config.narrowing,
            engines=self.setup.engines(config),
        )
        if question.wish.is_out_of_band:
            pipeline = replace(pipeline, window=EMPTY)
        return Turn(
            question,
            self.items.new_id("resp"),
            pipeline,
            self.outbox,
            self.items,
            replace(self.limits(), speed=config.speed),
            self.setup.shared.metrics,
            on_first_audio,
        )

    def pipeline(self, asked_at_s: float | None = None) -> Pipeline:
        """Bind the stages for a question whose speech ended then; None for just now."""
        return replace(
            self.setup.shared.pipeline(asked_at_s),
            engines=self.setup.engines(),
            narrowing=self.setup.config.narrowing,
            window=self.items.conversation.window(),
        )

    def partial_pipeline(self) -> Pipeline:
        """Last in every line, and its lookups are nobody's."""
        needed = Deadline.after(self.setup.shared.settings.turn_timeout_s)
        return replace(self.pipeline(), needed=needed, ahead={"stt": "miss", "search": "miss"})

    def speculation(
        self, samples: Samples, on_understood: OnUnderstood, *, is_question: bool
    ) -> Speculation:
        """Return a guess that these samples are a whole question, or only what was said."""
        return Speculation(samples, self.pipeline(), self.limits(), on_understood, is_question)

    def limits(self) -> TurnLimits:
        """Return what one turn may use."""
        settings = self.setup.shared.settings
        return TurnLimits(
            settings.turn_timeout_s,
            settings.lead_ms,
            settings.answer_maximum_characters,
            self.rate_hz,
            self.setup.config.speed,
        )
