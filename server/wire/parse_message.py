"""Parses a client's message without holding up the event loop. It acts on none."""

import asyncio
import json

from server.wire.client_events import ClientEvent, parse_client_event
from server.wire.items import LONGEST_ID
from server.wire.session_update import Surround

LONGEST_PARSED_HERE = 64 * 1024
"""Characters: 20 MB with the base64 in it take 60 ms."""


async def parse_message(message: str, around: Surround) -> ClientEvent:
    """Parse one text message, a long one in a thread. Raises InvalidEvent naming the field."""
    if len(message) <= LONGEST_PARSED_HERE:
        return parse_client_event(message, around)
    return await asyncio.to_thread(parse_client_event, message, around)


async def event_id_of(message: str | bytes) -> str | None:
    """Return the id that a client gave to an event which could be parsed; None without one.

    That of a long message is looked for in a thread too.
    """
    if len(message) <= LONGEST_PARSED_HERE:
        return _event_id_of(message)
    return await asyncio.to_thread(_event_id_of, message)


def _event_id_of(message: str | bytes) -> str | None:
    try:
        told = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        return None
    event_id = told.get("event_id") if isinstance(told, dict) else None
    return event_id[:LONGEST_ID] if isinstance(event_id, str) else None
