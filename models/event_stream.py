"""Server-sent events, bytes in, data out: the `data` fields alone, for nothing else is used here.

It reads no socket and knows nothing of what the data mean. As in the living standard of HTML,
section 9.2.6, but for its reconnection and with bounds.
"""

import re
from typing import Final

LONGEST_EVENT_BYTES: Final = 256 << 10
"""A chunk of a chat answer has about 300 bytes; one with a whole tool call may have some KiB."""

_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?=[^\n])")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """One event exceeds its bound; nothing of it is kept."""


class EventStream:
    """Feed it bytes as they come. What an event lacks when the bytes end is lost, as it should."""

    def __init__(self, longest_event_bytes: int = LONGEST_EVENT_BYTES) -> None:
        self._longest_event_bytes = longest_event_bytes
        self._rest = b""
        self._data: list[str] = []
        self._data_bytes = 0
        self._is_first = True

    def feed(self, chunk: bytes) -> list[str]:
        """Return the data of the events that end in this chunk. Raises EventTooLong.

        A carriage return at the very end is kept until it is known whether a line feed follows.
        """
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        events = []
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                events.append("\n".join(self._data))
                self._data, self._data_bytes = [], 0
        self._check(len(self._rest))
        return events

    def _take(self, line: bytes) -> None:
        if self._is_first:
            line, self._is_first = line.removeprefix(_BYTE_ORDER_MARK), False
        name, _, value = line.partition(b":")
        if name == b"data":
            self._check(len(value))
            self._data_bytes += len(value) + 1
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))

    def _check(self, further_bytes: int) -> None:
        if self._data_bytes + further_bytes > self._longest_event_bytes:
            raise EventTooLong(f"an event has more than {self._longest_event_bytes} bytes")
