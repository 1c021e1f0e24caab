"""What leaves a session: numbered events and audio frames, each with a deadline on the socket.

It decides nothing about their order or pace; server/turn.py and server/speaking/pacing.py do.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from websockets.exceptions import ConnectionClosed

from server.errors import ClientError, Gone, InvalidEvent, ParleyError, TooSlow
from server.wire.server_events import ErrorEvent, ServerEvent, encode


class Wire(Protocol):
    """The part of a WebSocket connection that a session writes to."""

    async def send(self, message: str | bytes) -> None:
        """Send one text or binary message."""
        ...


class Outbox:
    """Sends in the order called.

    Raises TooSlow when the client does not read in time, Gone when the socket is closed.
    """

    def __init__(self, wire: Wire, session_id: str, send_timeout_s: float) -> None:
        self._wire = wire
        self._session_id = session_id
        self._send_timeout_s = send_timeout_s
        self._event_count = 0
        self.on_audio: Callable[[bytes], None] = lambda pcm: None
        """Told every frame of audio as it leaves."""

    async def event(self, event: ServerEvent) -> None:
        """Send one event under the next event id."""
        self._event_count += 1
        await self._send(encode(event, f"event_{self._session_id}_{self._event_count}"))

    async def audio(self, pcm: bytes) -> None:
        """Send one binary frame of PCM16."""
        self.on_audio(pcm)
        await self._send(pcm)

    async def error(self, error: ParleyError) -> None:
        """Tell the client what went wrong."""
        await self.event(ErrorEvent(describe(error)))

    async def _send(self, message: str | bytes) -> None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._wire.send(message)
        except TimeoutError:
            raise TooSlow(f"Nothing was read for {self._send_timeout_s:g} s.") from None
        except ConnectionClosed:
            raise Gone("The connection closed.") from None


def describe(error: ParleyError) -> dict[str, object]:
    """Return the `error` object of the wire."""
    is_client = isinstance(error, ClientError)
    told: dict[str, object] = {
        "type": "invalid_request_error" if is_client else "server_error",
        "code": error.event_code if isinstance(error, InvalidEvent) else error.code,
        "message": str(error),
        "param": error.param if isinstance(error, ClientError) else None,
        "event_id": error.event_id if isinstance(error, ClientError) else None,
        "retryable": error.retryable,
    }
    for name in ("retry_after_ms", "stage"):
        if hasattr(error, name):
            told[name] = getattr(error, name)
    return told
