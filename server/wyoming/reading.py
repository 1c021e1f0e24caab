"""Wyoming events off a socket, with a bound on every part: the package's own reader has none.

An event is a JSON line, then `data_length` bytes of more JSON, then `payload_length` bytes. It
judges no event: server/wyoming/requests.py does.
"""

import asyncio
import json
from typing import Any, Final

from wyoming.event import Event

from server.errors import InvalidEvent

MAXIMUM_LINE_BYTES: Final = 64 * 1024
MAXIMUM_DATA_BYTES: Final = 128 * 1024
"""The longest text, with every character escaped, and room for what goes with it."""
MAXIMUM_PAYLOAD_BYTES: Final = 1 << 20
"""30 s of 16-bit mono at 16 kHz in one event; clients send some milliseconds."""


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """Return the next event; None when the other side has gone, in the middle of one too.

    The reader's limit must be MAXIMUM_LINE_BYTES. Raises InvalidEvent for what is no event or is
    too large: nothing behind it can be read any more.
    """
    try:
        return await _read(reader)
    except (asyncio.IncompleteReadError, OSError):
        return None


async def _read(reader: asyncio.StreamReader) -> Event | None:
    line = await _line(reader)
    if not line:
        return None
    header = _parse(line, "The line")
    kind = header.get("type")
    if not isinstance(kind, str):
        raise InvalidEvent("An event needs a string `type`.", "type", code="missing_type")
    fields = header.get("data")
    data: dict[str, Any] = fields if isinstance(fields, dict) else {}
    if size := _length(header, "data_length", MAXIMUM_DATA_BYTES):
        data = data | _parse(await reader.readexactly(size), "The data")
    payload = None
    if size := _length(header, "payload_length", MAXIMUM_PAYLOAD_BYTES):
        payload = await reader.readexactly(size)
    return Event(kind, data, payload)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise InvalidEvent(
            f"A line is longer than {MAXIMUM_LINE_BYTES} bytes.", code="too_large"
        ) from None


def _length(header: dict[str, Any], name: str, maximum: int) -> int:
    size = header.get(name)
    if size is None:
        return 0
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise InvalidEvent(f"`{name}` must be a whole number of bytes.", name)
    if size > maximum:
        raise InvalidEvent(f"`{name}` may be {maximum} at most.", name, code="too_large")
    return size


def _parse(text: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidEvent(f"{what} is not valid JSON.", code="invalid_json") from None
    if not isinstance(found, dict):
        raise InvalidEvent(f"{what} is no JSON object.", code="invalid_json")
    return found
