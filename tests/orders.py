"""Holds what a session told against the documented orders (server/wire/orders.py)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.wire.orders import END, OWN_RESPONSE, SESSION, SPEECH, START, STOCK_RESPONSE, may_follow

_OF_SPEECH = (
    "input_audio_buffer.speech_",
    "input_audio_buffer.committed",
    "input_audio_buffer.timeout_triggered",
    "conversation.item.input_audio_transcription.",
)
_OF_ITEMS = ("conversation.item.added", "conversation.item.done", "conversation.item.deleted")
_BEGUN, _OVER = "response.output_item.added", "response.output_item.done"


def check_orders(events: Iterable[Mapping[str, Any]], *, is_stock: bool) -> None:
    """Assert that every event may follow the one before it of the same response or item."""
    told = Told(is_stock)
    for event in events:
        told.take(event)


@dataclass(slots=True)
class Told:
    """One session's events, as they come."""

    is_stock: bool
    last: dict[tuple[str, str], str] = field(default_factory=dict)
    """By "response" or "item" and its id."""
    given: set[str] = field(default_factory=set)
    """Responses of the conversation that are created and not done."""
    _speaking: set[str] = field(default_factory=set)
    _spoken: set[str] = field(default_factory=set)
    _count: int = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """Assert that the next event is in order."""
        kind = str(event["type"])
        assert (kind == "session.created") == (self._count == 0), f"{kind} as number {self._count}"
        assert self._count or may_follow(SESSION, START, kind)
        self._count += 1
        response = event.get("response_id") or event.get("response", {}).get("id")
        item = str(event.get("item_id") or event.get("item", {}).get("id"))
        if kind.startswith(_OF_SPEECH):
            self._spoken.add(item)
        if self.is_stock and kind.startswith("parley."):
            return
        if response and kind.startswith(("response.", "parley.")):
            self._follow("response", str(response), kind)
            self._follow_response(str(response), kind, event)
        elif kind.startswith((*_OF_SPEECH, *_OF_ITEMS)) and item in self._spoken:
            self._follow("item", item, kind)
        elif kind.startswith(_OF_ITEMS):
            self._follow_answer(item.removeprefix("item_"), kind)
        self._follow_speech(item, kind)

    def check_ended(self) -> None:
        """Assert that nothing is begun and not ended."""
        for (subject, name), kind in self.last.items():
            order = self._order(subject)
            assert may_follow(order, kind, END), f"{name} ends with {kind}"

    def _order(self, subject: str) -> Mapping[str, tuple[str, ...]]:
        if subject == "item":
            return SPEECH
        return STOCK_RESPONSE if self.is_stock else OWN_RESPONSE

    def _follow(self, subject: str, name: str, kind: str) -> None:
        before = self.last.get((subject, name), START)
        assert may_follow(self._order(subject), before, kind), f"{kind} of {name} after {before}"
        self.last[subject, name] = kind

    def _follow_response(self, name: str, kind: str, event: Mapping[str, Any]) -> None:
        """One at a time is given in the conversation."""
        if kind == "response.created" and event["response"].get("conversation_id", "") is not None:
            assert not self.given, f"{name} is created while {self.given} is given"
            self.given.add(name)
        elif kind == "response.done":
            self.given.discard(name)

    def _follow_answer(self, response: str, kind: str) -> None:
        """An answer's item is told right behind its output item."""
        if ("response", response) in self.last and not kind.endswith("deleted"):
            wanted = _BEGUN if kind.endswith("added") else _OVER
            assert self.last["response", response] == wanted, f"{kind} of the item of {response}"

    def _follow_speech(self, item: str, kind: str) -> None:
        """Speech is told as begun once, until it stops or is cleared."""
        if kind == "input_audio_buffer.speech_started":
            assert not self._speaking, f"{item} is begun while {self._speaking} is spoken"
            self._speaking.add(item)
        elif kind in ("input_audio_buffer.cleared", "input_audio_buffer.speech_stopped"):
            self._speaking.clear()
