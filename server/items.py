"""The conversation of one session: its items, their order, and the events that tell of them.

It keeps the last ITEMS_KEPT; what was heard of an answer comes from its track.
"""

import itertools
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.errors import InvalidEvent
from server.speaking.track import Track
from server.wire import server_events as told
from server.wire.outbox import Outbox

ITEMS_KEPT = 64
"""Older ones are forgotten: 64 answers are 6 MB at most, while the cache keeps their sound."""


@dataclass(slots=True)
class Answer:
    """An answer's item: told again with what is known by then of what was heard."""

    id: str
    track: Track
    status: str = "in_progress"
    heard_sample: int | None = None
    """Where it was cut, by the server's estimate or the client's word; None when it was not."""

    @property
    def transcript(self) -> str:
        """The words that were sent, or heard when it was cut."""
        heard = self.track.position if self.heard_sample is None else self.heard_sample
        return self.track.words.text(heard)

    def wire(self) -> dict[str, object]:
        """Return the `item` object of the wire."""
        return {
            "object": "realtime.item",
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "status": self.status,
            "content": [{"type": "output_audio", "transcript": self.transcript}],
        }


@dataclass(slots=True)
class Items:
    """Knows the next item's id before it exists, so that speech can be told of as it starts."""

    session_id: str
    outbox: Outbox
    previous_id: str | None = None
    next_id: str = ""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _kept: OrderedDict[str, Answer | dict[str, object]] = field(default_factory=OrderedDict)

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

    def understood(self, item_id: str, transcript: str) -> None:
        """Keep what was understood of a spoken item."""
        item = self._kept.get(item_id)
        if isinstance(item, dict):
            item["content"] = [{"type": "input_audio", "transcript": transcript}]

    def keep(self, answer: Answer) -> None:
        """Make an answer an item; it is told again as it then is."""
        self._keep(answer.id, answer)

    def find(self, item_id: str) -> Mapping[str, object]:
        """Return an item as it is now. Raises InvalidEvent for one that is not there any more."""
        item = self._kept.get(item_id)
        if item is None:
            raise _not_found(item_id)
        return item.wire() if isinstance(item, Answer) else item

    async def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Keep of an answer what was heard by then, and go on from there if it goes on at all.

        Raises InvalidEvent when there is no such answer or less of it was sent.
        """
        answer = self._kept.get(item_id)
        if answer is None:
            raise _not_found(item_id)
        if not isinstance(answer, Answer):
            raise InvalidEvent(f"Item {item_id} is no answer.", "item_id")
        track = answer.track
        if audio_end_ms > track.sent_ms:
            raise InvalidEvent(
                f"Audio content of {track.sent_ms}ms is already shorter than {audio_end_ms}ms",
                "audio_end_ms",
            )
        if answer.status == "in_progress":
            track.rewind(track.sample_at(audio_end_ms))
        else:
            answer.heard_sample = track.sample_at(audio_end_ms)
        await self.outbox.event(told.ItemTruncated(item_id, 0, audio_end_ms))

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
        self._keep(self.next_id, item)
        self.previous_id, self.next_id = self.next_id, self.new_id("item")
        return self.previous_id

    def _keep(self, item_id: str, item: Answer | dict[str, object]) -> None:
        self._kept[item_id] = item
        while len(self._kept) > ITEMS_KEPT:
            self._kept.popitem(last=False)


def _not_found(item_id: str) -> InvalidEvent:
    return InvalidEvent(
        f"There is no item {item_id[:80]!r} among the last {ITEMS_KEPT}.",
        "item_id",
        code="item_not_found",
    )
