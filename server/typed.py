"""The question that a client has typed and not yet asked for an answer to. It answers none."""

import time
from dataclasses import dataclass, replace

from server.errors import InvalidEvent
from server.governor import Step
from server.items import Items
from server.turn import Question


@dataclass(slots=True)
class TypedQuestion:
    """At most one at a time: a later one replaces it."""

    items: Items
    _waiting: Question | None = None

    async def add(self, text: str) -> None:
        """Make the text an item of the conversation."""
        item_id = await self.items.add_text(text)
        self._waiting = Question(item_id, time.monotonic(), text=text)

    def take(self, steps: tuple[Step, ...]) -> Question:
        """Return the question as asked now. Raises InvalidEvent when there is none."""
        if self._waiting is None:
            raise InvalidEvent(
                "There is no question to answer: send conversation.item.create first, or speak.",
                code="no_question",
            )
        question, self._waiting = self._waiting, None
        return replace(question, asked_at_s=time.monotonic(), steps=steps)
