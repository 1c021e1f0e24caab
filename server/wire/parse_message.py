"""Parses a client's messages without holding up the event loop. It acts on none."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from server.wire.client_events import ClientEvent, parse_client_event
from server.wire.items import LONGEST_ID
from server.wire.session_update import Surround

T = TypeVar("T")

LONGEST_PARSED_HERE = 64 * 1024
"""Characters: 20 MB with the base64 in it take 60 ms."""


async def parse_beside(parse: Callable[[str], T], message: str) -> T:
    """Parse one text message, a long one in a thread. Raises what `parse` does."""
    if len(message) <= LONGEST_PARSED_HERE:
        return parse(message)
    return await asyncio.to_thread(parse, message)


async def parse_message(message: str, around: Surround) -> ClientEvent:
    """Parse one event. Raises InvalidEvent naming the field."""
    return await parse_beside(partial(parse_client_event, around=around), message)


async def event_id_of(message: str | bytes) -> str | None:
    """Return the id that a client gave to an event which could be parsed; None without one."""
    return await parse_beside(_event_id_of, message) if isinstance(message, str) else None


def _event_id_of(message: str) -> str | None:
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        return None
    event_id = told.get("event_id") if isinstance(told, dict) else None
    return event_id[:LONGEST_ID] if isinstance(event_id, str) else None
