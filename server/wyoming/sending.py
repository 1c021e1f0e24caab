"""What leaves a Wyoming connection: the package's events, each with a deadline on the socket."""

import asyncio
from contextlib import suppress
from typing import Final

from wyoming.error import Error
from wyoming.event import Eventable, async_write_event

from server.errors import Gone, InvalidEvent, ParleyError, TooSlow

SEND_BUFFER_BYTES: Final = 64 * 1024
"""More waits in the server: a client that reads nothing holds up its own synthesis."""
LINGER_S: Final = 1.0
"""What a client still sends after an error is read for so long, or the error would not reach it."""
_DISCARDED_BYTES: Final = 64 * 1024


class Sender:
    """Sends in the order called. Raises TooSlow for a client that does not read, Gone for none."""

    def __init__(self, writer: asyncio.StreamWriter, timeout_s: float) -> None:
        writer.transport.set_write_buffer_limits(SEND_BUFFER_BYTES)
        self._writer = writer
        self._timeout_s = timeout_s

    async def send(self, event: Eventable) -> None:
        """Send one event."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await async_write_event(event.event(), self._writer)
        except TimeoutError:
            raise TooSlow(f"Nothing was read for {self._timeout_s:g} s.") from None
        except OSError:
            raise Gone("The connection closed.") from None

    async def error(self, error: ParleyError) -> None:
        """Tell what went wrong, by the code that a session is told."""
        code = error.event_code if isinstance(error, InvalidEvent) else error.code
        await self.send(Error(str(error), code))

    async def end(self, reader: asyncio.StreamReader) -> None:
        """Send nothing more, and let what was sent arrive."""
        with suppress(OSError, TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(LINGER_S):
                await self.discard(reader)

    async def discard(self, reader: asyncio.StreamReader) -> None:
        """Read what comes, for nothing, until the client leaves."""
        with suppress(OSError):
            while await reader.read(_DISCARDED_BYTES):
                pass
