"""Tells a client of one answer, from response.created to response.done. It makes none.

On /v1/realtime every response is announced at once and ends with all of its `done` events; on /ws
it is announced with its answer, and a cut one ends with its item (docs/adr/0010).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.llm import ToolCall
from server.errors import ParleyError
from server.items import Answer, Items
from server.wire import response_events as told
from server.wire.audio_formats import AudioFormat
from server.wire.dialect import Dialect
from server.wire.items import FunctionCall
from server.wire.server_event import ServerEvent
from server.wire.server_events import ItemAdded, ItemDone
from server.wire.session_config import Modality, SessionConfig
from server.wire.usage import Usage


class Status(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Cause(StrEnum):
    """Why a response did not complete."""

    TURN_DETECTED = "turn_detected"
    CLIENT_CANCELLED = "client_cancelled"
    MAX_OUTPUT_TOKENS = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class Wish:
    """How an answer is to be given."""

    config: SessionConfig
    is_out_of_band: bool = False
    """Whether it stays outside of the conversation."""
    metadata: Mapping[str, str] | None = None


class Listener(Protocol):
    """Where a turn's events and audio go."""

    dialect: Dialect

    async def event(self, event: ServerEvent) -> None:
        """Take one event."""
        ...

    async def audio(
        self, response_id: str, item_id: str, samples: NDArray[np.int16], form: AudioFormat
    ) -> None:
        """Take the next sound."""
        ...

    async def error(self, error: ParleyError) -> None:
        """Take what went wrong."""
        ...


@dataclass(slots=True)
class Response:
    """One response with at most one answer."""

    id: str
    answer: Answer
    wish: Wish
    items: Items
    listener: Listener
    _is_created: bool = False
    _is_begun: bool = False
    _is_sounding: bool = False
    _output: list[dict[str, Any]] = field(default_factory=list)
    _previous_id: str | None = None

    @property
    def is_created(self) -> bool:
        """Whether the client knows of it."""
        return self._is_created

    @property
    def _is_spoken(self) -> bool:
        return self.wish.config.modality is Modality.AUDIO

    @property
    def _ids(self) -> tuple[str, str]:
        return self.id, self.answer.id

    async def announce(self) -> None:
        """Tell that there is a response, where that is told before the answer is known."""
        if self.listener.dialect.is_stock:
            await self._create()

    async def begin(self) -> None:
        """Tell of the answer's item and its part."""
        await self._create()
        self._is_begun = True
        begun = self.answer.wire_begun()
        await self.listener.event(told.OutputItemAdded(self.id, begun))
        if not self.wish.is_out_of_band:
            self._previous_id = self.items.keep(self.answer)
            await self.listener.event(ItemAdded(begun, self._previous_id))
        await self.listener.event(told.ContentPartAdded(*self._ids, self._part("")))

    async def call(self, calls: Sequence[ToolCall]) -> None:
        """Tell of functions that the client is to call, each as an item of its own."""
        await self._create()
        for wanted in calls:
            item_id = self.items.new_id("item")
            await self._call(FunctionCall(wanted.name, wanted.id, wanted.arguments, item_id))

    async def _call(self, call: FunctionCall) -> None:
        """Out-of-band responses call none (server/answering/functions.py)."""
        index, begun = len(self._output), replace(call, arguments="", status="in_progress").wire()
        await self.listener.event(told.OutputItemAdded(self.id, begun, index))
        previous_id = self.items.keep(call)
        await self.listener.event(ItemAdded(begun, previous_id))
        ids = (self.id, call.id, call.call_id)
        await self.listener.event(told.ArgumentsDelta(*ids, call.arguments, index))
        await self.listener.event(told.ArgumentsDone(*ids, call.name, call.arguments, index))
        self._output.append(call.wire())
        await self.listener.event(told.OutputItemDone(self.id, call.wire(), index))
        await self.listener.event(ItemDone(call.wire(), previous_id))

    async def words(self, words: str) -> None:
        """Tell the next words, just before their sound if they are spoken."""
        kind = told.TranscriptDelta if self._is_spoken else told.TextDelta
        await self.listener.event(kind(*self._ids, words))

    async def sound(self, samples: NDArray[np.int16]) -> None:
        """Send the next sound."""
        self._is_sounding = True
        form = self.wish.config.output_format
        await self.listener.audio(*self._ids, samples, form)

    async def sound_done(self) -> None:
        """Tell that the last sound was sent."""
        self._is_sounding = False
        await self.listener.event(told.AudioDone(*self._ids))

    async def end(self, status: Status, usage: Usage, cause: Cause | ParleyError | None) -> None:
        """Tell how it ended; nothing when the client knows of no response."""
        is_stock = self.listener.dialect.is_stock
        if not self._is_created and not is_stock:
            return
        await self._create()
        if self._is_begun:
            is_whole = status in (Status.COMPLETED, Status.INCOMPLETE)
            self.answer.status = "completed" if status is Status.COMPLETED else "incomplete"
            if is_whole or is_stock:
                await self._end_part()
            await self._end_item()
        done = self._wire(str(status), _details(status, cause), usage.wire())
        await self.listener.event(told.ResponseDone(done))

    async def _create(self) -> None:
        if not self._is_created:
            self._is_created = True
            await self.listener.event(told.ResponseCreated(self._wire("in_progress")))
            if self.listener.dialect.is_stock:
                await self.listener.event(told.RateLimits())

    async def _end_part(self) -> None:
        said = self.answer.transcript
        if self._is_spoken:
            if self._is_sounding:
                await self.sound_done()
            await self.listener.event(told.TranscriptDone(*self._ids, said))
        else:
            await self.listener.event(told.TextDone(*self._ids, said))
        await self.listener.event(told.ContentPartDone(*self._ids, self._part(said)))

    async def _end_item(self) -> None:
        item = self.answer.wire()
        self._output.append(item)
        await self.listener.event(told.OutputItemDone(self.id, item))
        if not self.wish.is_out_of_band:
            await self.listener.event(ItemDone(item, self._previous_id))

    def _part(self, said: str) -> dict[str, str]:
        return (
            {"type": "audio", "transcript": said}
            if self._is_spoken
            else {
                "type": "text",
                "text": said,
            }
        )

    def _wire(
        self,
        status: str,
        details: Mapping[str, Any] | None = None,
        usage: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        config = self.wish.config
        output = {"format": config.output_format.wire(), "voice": "default"}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": list(self._output),
            "conversation_id": None if self.wish.is_out_of_band else self.items.conversation_id,
            "output_modalities": [str(config.modality)],
            "max_output_tokens": config.max_output_tokens or "inf",
            "audio": {"output": output},
            "usage": usage,
            "metadata": self.wish.metadata,
        }


def _details(status: Status, cause: Cause | ParleyError | None) -> dict[str, Any] | None:
    if status is Status.COMPLETED:
        return None
    if isinstance(cause, ParleyError):
        error = {"type": "server_error", "code": cause.code, "message": str(cause)}
        return {"type": str(status), "error": error}
    return {"type": str(status), "reason": None if cause is None else str(cause)}
