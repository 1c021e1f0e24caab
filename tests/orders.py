"""Holds what a session told against the documented orders (server/wire/orders.py)."""

from collections.abc import Iterable, Mapping
from typing import Any

from server.wire.orders import OWN_RESPONSE, SESSION, SPEECH, START, STOCK_RESPONSE, may_follow

_OF_SPEECH = (
    "input_audio_buffer.speech_",
    "input_audio_buffer.committed",
    "input_audio_buffer.timeout_triggered",
    "conversation.item.input_audio_transcription.",
)
_OF_ITEMS = ("conversation.item.added", "conversation.item.done", "conversation.item.deleted")


def check_orders(events: Iterable[Mapping[str, Any]], *, is_stock: bool) -> None:
    """Assert that every event may follow the one before it of the same response or item."""
    last: dict[tuple[str, str], str] = {}
    response_order = STOCK_RESPONSE if is_stock else OWN_RESPONSE
    spoken: set[str] = set()
    for number, event in enumerate(events):
        kind = str(event["type"])
        if number == 0:
            assert may_follow(SESSION, START, kind), f"{kind} came first"
        response_id = event.get("response_id") or event.get("response", {}).get("id")
        item_id = event.get("item_id") or event.get("item", {}).get("id")
        if kind.startswith(_OF_SPEECH):
            spoken.add(str(item_id))
        if is_stock and kind.startswith("parley."):
            continue
        if response_id and kind.startswith(("response.", "parley.")):
            before = last.get(("response", response_id), START)
            assert may_follow(response_order, before, kind), f"{kind} after {before}"
            last["response", response_id] = kind
        elif kind.startswith((*_OF_SPEECH, *_OF_ITEMS)) and str(item_id) in spoken:
            before = last.get(("item", str(item_id)), START)
            assert may_follow(SPEECH, before, kind), f"{kind} after {before}"
            last["item", str(item_id)] = kind
