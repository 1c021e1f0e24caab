"""The conversation of one session: its items, their order, and the events that tell of them.

It keeps the last ITEMS_KEPT; what was heard of an answer comes from its track.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.answering.conversation import Conversation
from server.errors import InvalidEvent, StageError
from server.speaking.track import Track
from server.wire import server_events as told
from server.wire.items import ClientItem, Message, Part, PartKind, Role
from server.wire.outbox import Outbox, describe_fault

ITEMS_KEPT = 64
"""Older ones are forgotten. Of answers the words are kept and when each of them ends, no sound."""
ROOT = "root"
"""As `previous_item_id`: before all others."""


@dataclass(slots=True)
class Answer:
    """An answer's item: told again with what is known by then of what was heard."""

    id: str
    track: Track
    status: str = "in_progress"
    heard_sample: int | None = None
    """Where it was cut, by the server's estimate or the client's word; None when it was not."""
    written: str | None = None
    """The words so far of an answer that is not spoken; None for one that is."""

    @property
    def transcript(self) -> str:
        """The words that were sent, or heard when it was cut."""
        if self.written is not None:
            return self.written
        heard = self.track.position if self.heard_sample is None else self.heard_sample
        return self.track.words.text(heard)

    @property
    def part(self) -> Part:
        """Its one part, as it is now."""
        kind = PartKind.OUTPUT_AUDIO if self.written is None else PartKind.OUTPUT_TEXT
        return Part(kind, self.transcript)

    @property
    def message(self) -> Message:
        """The item as it is now."""
        return Message(Role.ASSISTANT, (self.part,), self.id, self.status)

    def wire(self) -> dict[str, object]:
        """Return the `item` object of the wire."""
        return self.message.wire()

    def wire_begun(self) -> dict[str, object]:
        """Return it as it begins: its part is told by an event of its own."""
        return replace(self.message, parts=()).wire()


Kept = Answer | ClientItem


@dataclass(slots=True)
class Items:
    """Knows the next item's id before it exists, so that speech can be told of as it starts."""

    session_id: str
    outbox: Outbox
    conversation: Conversation = field(default_factory=Conversation)
    """What later questions may lean on."""
    next_id: str = ""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _kept: dict[str, Kept] = field(default_factory=dict)
    """In the conversation's order."""

    def __post_init__(self) -> None:
        self.next_id = self.new_id("item")

    def moved_to(self, outbox: Outbox) -> "Items":
        """Return the conversation, told through another connection from now on."""
        self.outbox = outbox
        return self

    def new_id(self, kind: str) -> str:
        """Return an id that is used nowhere else in the process, not even by an item of a client.

        An answer's item has the id of its response behind `item_`.
        """
        names = (f"{kind}_{self.session_id}_{number}" for number in self._numbers)
        return next(each for each in names if not {each, f"item_{each}"} & self._kept.keys())

    @property
    def conversation_id(self) -> str:
        """The one conversation of the session."""
        return f"conv_{self.session_id}"

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return next(reversed(self._kept), None)

    async def add_speech(self, audio_end_ms: int, *, has_stopped: bool = True) -> str:
        """Tell that an utterance ended and became an item; return its id."""
        if has_stopped:
            await self.outbox.event(told.SpeechStopped(audio_end_ms, self.next_id))
        await self.outbox.event(told.AudioCommitted(self.next_id, self.last_id))
        speech = Part(PartKind.INPUT_AUDIO, None)
        return await self.add(Message(Role.USER, (speech,), self.next_id))

    async def add(self, item: ClientItem, previous_id: str | None = None) -> str:
        """Put an item behind another, at the front (ROOT) or last, and tell of it; return its id.

        Raises InvalidEvent when its id is taken or the other item is not there.
        """
        if item.id in self._kept:
            raise InvalidEvent(f"There is an item {item.id[:80]!r} already.", "item.id")
        placed = replace(item, id=item.id or self.new_id("item"))
        before = self._keep(placed, previous_id)
        await self.outbox.event(told.ItemAdded(placed.wire(), before))
        await self.outbox.event(told.ItemDone(placed.wire(), before))
        if placed.id == self.next_id:
            self.next_id = self.new_id("item")
        return placed.id

    async def delete(self, item_id: str) -> None:
        """Take an item out and tell it. Raises InvalidEvent when it is not there."""
        self.item(item_id)
        del self._kept[item_id]
        self.conversation.forget(item_id)
        await self.outbox.event(told.ItemDeleted(item_id))

    async def understood_so_far(self, item_id: str, words: str) -> None:
        """Tell more words of a spoken item that goes on."""
        await self.outbox.event(told.TranscriptionDelta(item_id, words))

    def understood(self, item_id: str, transcript: str) -> None:
        """Keep what was understood of a spoken item."""
        item = self._kept.get(item_id)
        if isinstance(item, Message):
            parts = tuple(
                replace(part, text=transcript, pcm=b"") if part.is_spoken else part
                for part in item.parts
            )
            self._kept[item_id] = replace(item, parts=parts)

    async def tell_understood(self, item_id: str, transcript: str, heard_s: float) -> None:
        """Keep and tell what was understood of a spoken item that lasted so long."""
        self.understood(item_id, transcript)
        usage = {"type": "duration", "seconds": round(heard_s, 3)}
        await self.outbox.event(told.TranscriptionCompleted(item_id, transcript, usage))

    async def tell_not_understood(self, item_id: str, error: StageError) -> None:
        """Tell that the recogniser failed on a spoken item."""
        await self.outbox.event(told.TranscriptionFailed(item_id, describe_fault(error)))

    def keep(self, item: Kept) -> str | None:
        """Make an answer, or a call, the last item without telling; return the id before it.

        The sound of the answers before an answer is let go: only the last can be gone on with.
        """
        if isinstance(item, Answer):
            self._forget_sounds()
        return self._keep(item, None)

    def item(self, item_id: str) -> Kept:
        """Return an item. Raises InvalidEvent for one that is not there any more."""
        item = self._kept.get(item_id)
        if item is None:
            raise _not_found(item_id)
        return item

    def find(self, item_id: str) -> Mapping[str, object]:
        """Return an item as it is now. Raises InvalidEvent for one that is not there any more."""
        return self.item(item_id).wire()

    def all(self) -> tuple[Kept, ...]:
        """Return the conversation in its order."""
        return tuple(self._kept.values())

    async def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Keep of an answer what was heard by then, and go on from there if it goes on at all.

        Raises InvalidEvent when there is no such answer or less of it was sent.
        """
        answer = self.item(item_id)
        if not isinstance(answer, Answer) or answer.written is not None:
            raise InvalidEvent(f"Item {item_id} is no spoken answer.", "item_id")
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

    def _forget_sounds(self) -> None:
        for item in self._kept.values():
            if isinstance(item, Answer):
                item.track.forget_sound()

    def _keep(self, item: Kept, previous_id: str | None) -> str | None:
        """Put it in its place; return the id before it. The oldest goes when there are too many."""
        if previous_id is None:
            before = self.last_id
            self._kept[item.id] = item
        else:
            before = self._insert(item, previous_id)
        while len(self._kept) > ITEMS_KEPT:
            del self._kept[next(each for each in self._kept if each != item.id)]
        return before

    def _insert(self, item: Kept, previous_id: str) -> str | None:
        ids = list(self._kept)
        if previous_id != ROOT and previous_id not in self._kept:
            raise _not_found(previous_id, "previous_item_id")
        place = 0 if previous_id == ROOT else ids.index(previous_id) + 1
        ids.insert(place, item.id)
        self._kept = {each: item if each == item.id else self._kept[each] for each in ids}
        return ids[place - 1] if place else None


def _not_found(item_id: str, param: str = "item_id") -> InvalidEvent:
    return InvalidEvent(
        f"There is no item {item_id[:80]!r} among the last {ITEMS_KEPT}.",
        param,
        code="item_not_found",
    )
