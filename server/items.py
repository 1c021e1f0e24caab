"""The user's items of one session: their ids, their order, and the events that tell of them."""

import itertools
from dataclasses import dataclass, field

from server import server_events as told
from server.outbox import Outbox


@dataclass(slots=True)
class Items:
    """Knows the next item's id before it exists, so that speech can be told of as it starts."""

    session_id: str
    outbox: Outbox
    previous_id: str | None = None
    next_id: str = ""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.next_id = self.new_id("item")

    def new_id(self, kind: str) -> str:
        """Return an id that is used nowhere else in the process."""
        return f"{kind}_{self.session_id}_{next(self._numbers)}"

    async def add_speech(self, audio_end_ms: int) -> str:
        """Tell that an utterance ended and became an item; return its id."""
        await self.outbox.event(told.SpeechStopped(audio_end_ms, self.next_id))
        await self.outbox.event(told.AudioCommitted(self.next_id, self.previous_id))
        return await self._add({"type": "input_audio", "transcript": None})

    async def add_text(self, text: str) -> str:
        """Tell of a typed item; return its id."""
        return await self._add({"type": "input_text", "text": text})

    async def _add(self, part: dict[str, object]) -> str:
        item: dict[str, object] = {
            "object": "realtime.item",
            "id": self.next_id,
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [part],
        }
        await self.outbox.event(told.ItemAdded(item, self.previous_id))
        await self.outbox.event(told.ItemDone(item, self.previous_id))
        self.previous_id, self.next_id = self.next_id, self.new_id("item")
        return self.previous_id
