"""What a response.create asks: finds its question in the conversation or in its own input.

It also keeps the speech that waits to be asked about, and has it understood. It answers nothing.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace

from audio.pcm import Samples, decode_pcm16
from audio.resample import resample
from server.deadline import Deadline
from server.errors import InvalidEvent, StageError
from server.hearing.ears import RATE_HZ
from server.items import Items, Kept
from server.question import Question
from server.speaking.response import Wish
from server.turn_making import TurnMaker
from server.wire import client_events as asked
from server.wire.items import ClientItem, ItemReference, Message, Role
from server.wire.outbox import Outbox

LONGEST_QUESTION_CHARACTERS = 2000
"""The end of a longer text is searched for."""


@dataclass(slots=True)
class Asked:
    """One session's. Speech is understood in `group`."""

    items: Items
    outbox: Outbox
    maker: TurnMaker
    group: asyncio.TaskGroup
    _waiting: tuple[str, Samples] | None = None
    """The last item of speech that no turn has taken."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def keep(self, item_id: str, samples: Samples) -> None:
        """Have an item's speech understood and told; a response may be asked for meanwhile."""
        self._waiting = (item_id, samples)
        task = self.group.create_task(self._understand(item_id, samples))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Give up what is not understood yet."""
        for task in self._tasks:
            task.cancel()

    async def add(self, event: asked.CreateItem, rate_hz: int) -> None:
        """Make the client's item one of the conversation; its speech is understood."""
        item = event.item
        samples = await self._speech_of(item, rate_hz, "item.content")
        item_id = await self.items.add(_without_sound(item), event.previous_item_id)
        if samples is not None:
            self.keep(item_id, samples)

    async def question(self, event: asked.CreateResponse, wish: Wish) -> Question:
        """Return what is to be answered. Raises InvalidEvent when there is nothing."""
        message = self._last_of_user(event)
        now_s = time.monotonic()
        if message is None:
            raise InvalidEvent(
                "There is no question to answer: send conversation.item.create first, or speak.",
                code="no_question",
            )
        item_id, waiting = message.id, self._waiting
        if waiting is not None and waiting[0] == item_id:
            return Question(item_id, now_s, wish, samples=waiting[1], is_told=True)
        held_in = "item.content" if event.input is None else "response.input"
        samples = await self._speech_of(message, wish.config.input_format.rate_hz, held_in)
        if samples is not None and not message.text:
            return Question(item_id, now_s, wish, samples=samples, is_told=True)
        return Question(item_id, now_s, wish, text=message.text[-LONGEST_QUESTION_CHARACTERS:])

    def _last_of_user(self, event: asked.CreateResponse) -> Message | None:
        listed: list[Kept] = []
        for number, each in enumerate(event.input or ()):
            listed.append(self._resolve(each, number))
        if event.input is None:
            listed.extend(self.items.all())
        users = (item for item in reversed(listed) if isinstance(item, Message))
        return next((item for item in users if item.role is Role.USER), None)

    def _resolve(self, item: ClientItem | ItemReference, number: int) -> Kept:
        if not isinstance(item, ItemReference):
            return item
        try:
            return self.items.item(item.id)
        except InvalidEvent as error:
            error.param = f"response.input[{number}].id"
            raise

    async def _speech_of(self, item: ClientItem, rate_hz: int, held_in: str) -> Samples | None:
        """Return the sound that a client put into an item, at 16 kHz; None when there is none.

        Raises InvalidEvent naming the field `held_in` when there is too much.
        """
        if not isinstance(item, Message):
            return None
        pcm = b"".join(part.pcm for part in item.parts)
        if not pcm or item.text:
            return None
        longest_s = self.maker.setup.shared.settings.utterance_maximum_s
        if len(pcm) > longest_s * rate_hz * 2:
            raise InvalidEvent(f"`{held_in}` holds more than {longest_s} s of speech.", held_in)
        return await asyncio.to_thread(resample, decode_pcm16(pcm), rate_hz, RATE_HZ)

    async def _understand(self, item_id: str, samples: Samples) -> None:
        """Joined by the turn that asks for the same samples meanwhile."""
        deadline = Deadline.after(self.maker.setup.shared.settings.turn_timeout_s)
        try:
            heard = await self.maker.pipeline().transcribe(samples, deadline)
        except StageError as error:
            await self.items.tell_not_understood(item_id, error)
            return
        if self._waiting is not None and self._waiting[0] == item_id:
            self._waiting = None
        await self.items.tell_understood(item_id, heard.value.text, len(samples) / RATE_HZ)


def _without_sound(item: ClientItem) -> ClientItem:
    """The conversation keeps words only."""
    if not isinstance(item, Message):
        return item
    return replace(item, parts=tuple(replace(part, pcm=b"") for part in item.parts))
