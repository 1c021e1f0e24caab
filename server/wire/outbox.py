"""What leaves a session: numbered events and audio, each with a deadline on the socket.

It decides nothing about their order or pace; server/turn.py and server/speaking/pacing.py do.
"""

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed

from server.errors import ClientError, Gone, InvalidEvent, ParleyError, TooSlow
from server.wire.audio_formats import AudioFormat
from server.wire.beta import NOT_IN_BETA, as_beta
from server.wire.dialect import OWN, Dialect
from server.wire.response_events import AudioDelta
from server.wire.server_event import ServerEvent, as_json, fields_of
from server.wire.server_events import (
    ErrorEvent,
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionFailed,
)

_ANSWERS_OURS = "parley.upload."
"""Told to whoever asked by an event of ours."""
_TRANSCRIPTS = (TranscriptionDelta, TranscriptionCompleted, TranscriptionFailed)


class Wire(Protocol):
    """The part of a WebSocket connection that a session writes to."""

    async def send(self, message: str | bytes) -> None:
        """Send one text or binary message."""
        ...


class Outbox:
    """Sends in the order called, in the client's dialect.

    Raises TooSlow when the client does not read in time, Gone when the socket is closed.
    """

    def __init__(
        self, wire: Wire, session_id: str, send_timeout_s: float, dialect: Dialect = OWN
    ) -> None:
        self.dialect = dialect
        self.tells_transcripts = True
        """Whether what was understood of speech is told at all."""
        self._wire = wire
        self._session_id = session_id
        self._send_timeout_s = send_timeout_s
        self._event_count = 0
        self.told_at_s = time.monotonic()
        """When anything was last sent."""
        self.on_audio: Callable[[bytes, int], None] = lambda pcm, rate_hz: None
        """Told every frame of audio as it leaves, as PCM16, with its rate."""

    async def event(self, event: ServerEvent) -> None:
        """Send one event under the next event id, unless this client is not told of its kind."""
        if self._is_told(event):
            self._event_count += 1
            told = fields_of(event, f"event_{self._session_id}_{self._event_count}")
            await self._send(as_json(as_beta(told) if self.dialect.is_beta else told))

    async def audio(
        self, response_id: str, item_id: str, samples: NDArray[np.int16], form: AudioFormat
    ) -> None:
        """Send the next sound of an answer: a binary frame, or an event with base64."""
        self.on_audio(samples.astype("<i2").tobytes(), form.rate_hz)
        coded = form.encode(samples)
        if self.dialect.is_stock:
            in_base64 = base64.b64encode(coded).decode()
            await self.event(AudioDelta(response_id, item_id, in_base64))
        else:
            await self._send(coded)

    async def error(self, error: ParleyError) -> None:
        """Tell the client what went wrong."""
        await self.event(ErrorEvent(describe(error)))

    def _is_told(self, event: ServerEvent) -> bool:
        if event.type.startswith("parley."):
            return self.dialect.tells_ours or event.type.startswith(_ANSWERS_OURS)
        if isinstance(event, _TRANSCRIPTS) and not self.tells_transcripts:
            return False
        return not (self.dialect.is_beta and event.type in NOT_IN_BETA)

    async def _send(self, message: str | bytes) -> None:
        self.told_at_s = time.monotonic()
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._wire.send(message)
        except TimeoutError:
            raise TooSlow(f"Nothing was read for {self._send_timeout_s:g} s.") from None
        except ConnectionClosed:
            raise Gone("The connection closed.") from None


def describe(error: ParleyError) -> dict[str, object]:
    """Return the `error` object of an `error` event."""
    event_id = error.event_id if isinstance(error, ClientError) else None
    return describe_fault(error) | {"event_id": event_id}


def describe_fault(error: ParleyError) -> dict[str, object]:
    """Return what is told of an error wherever one is told: no event of a client is named."""
    is_client = isinstance(error, ClientError)
    told: dict[str, object] = {
        "type": "invalid_request_error" if is_client else "server_error",
        "code": error.event_code if isinstance(error, InvalidEvent) else error.code,
        "message": str(error),
        "param": error.param if isinstance(error, ClientError) else None,
        "retryable": error.retryable,
    }
    for name in ("retry_after_ms", "stage"):
        if hasattr(error, name):
            told[name] = getattr(error, name)
    return told
