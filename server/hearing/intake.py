"""What a session does with the audio frames it is sent, before anyone asks what they mean.

It keeps a client near the pace of speech, turns frames into endpoint events and refuses malformed
ones; server/session.py acts on the events.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from audio.endpoint import EndpointEvent
from audio.pcm import FrameError
from server.errors import BadFrame, TooFast
from server.hearing.ears import Ears
from server.hearing.echo_guard import EchoGuard
from server.hearing.rest import REST_S, Rest
from server.wire.outbox import Outbox

BAD_FRAMES_MAXIMUM = 5
"""The bad frame with this number closes the session."""
PATIENCE_SHARE = 1 / 3
"""Reading may pause for so much of the audio that may be ahead; then the session is closed."""
AUDIO_PIECE_BYTES = 32 * 1024
"""Of one message, to be heard at once: about 2 ms of voice activity."""
BYTES_PER_SAMPLE = 2
BURST_S = 1.0
"""With more than this ahead, other sessions get their turn after every frame."""


@dataclass(slots=True)
class Intake:
    """One session's audio on its way to the ears. The clock and the sleep can be replaced."""

    ears: Ears
    guard: EchoGuard
    outbox: Outbox
    ahead_maximum_s: float
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rest: Rest = field(default_factory=lambda: Rest(None))
    ahead_s: float = field(default=0.0, init=False)
    """Audio received beyond the time that has passed."""
    _paused_s: float = field(default=0.0, init=False)
    _last_s: float = field(default=0.0, init=False)
    _bad_frames: int = field(default=0, init=False)

    async def take(self, frame: bytes, may_rest: bool = False) -> list[EndpointEvent]:
        """Hear one frame, and wait while too much of the audio is ahead of the clock.

        With `may_rest`, silence is read in fewer and larger pieces.

        Raises BadFrame at the fifth malformed frame (the others are told), TooFast for a client
        that goes on sending faster than anybody speaks.
        """
        if not frame:
            return await self._refuse("The frame is empty; PCM16 samples are expected.")
        try:
            heard = self.ears.hear(frame, self.now_s())
        except FrameError as error:
            return await self._refuse(str(error))
        rate_hz = self.ears.settings.input_rate_hz
        frame_s = len(frame) / BYTES_PER_SAMPLE / rate_hz
        await self._keep_pace(frame_s)
        is_on_time = self.ahead_s < 2 * REST_S
        await self.rest.after(frame_s, may_rest and is_on_time and self.ears.is_quiet)
        return await self.guard.pass_on(heard)

    def commit(self) -> list[EndpointEvent]:
        """End the utterance here, whatever it is like; empty when nothing was said."""
        self.guard.forget()
        return self.ears.commit()

    async def _keep_pace(self, frame_s: float) -> None:
        now_s = self.now_s()
        self.ahead_s = max(0.0, self.ahead_s - (now_s - self._last_s)) + frame_s
        self._last_s = now_s
        if self.ahead_s > self.ahead_maximum_s:
            await self._pause(self.ahead_s - self.ahead_maximum_s)
        elif self.ahead_s > BURST_S:
            await self.sleep(0)
        if self.ahead_s < self.ahead_maximum_s / 2:
            self._paused_s = 0.0

    async def _pause(self, seconds: float) -> None:
        self._paused_s += seconds
        if self._paused_s > self.ahead_maximum_s * PATIENCE_SHARE:
            raise TooFast(
                f"Audio is {self.ahead_s:.0f} s ahead of the clock. "
                "Send it as it is spoken: 50 frames of 20 ms a second."
            )
        await self.sleep(seconds)

    async def _refuse(self, reason: str) -> list[EndpointEvent]:
        self._bad_frames += 1
        error = BadFrame(reason)
        if self._bad_frames >= BAD_FRAMES_MAXIMUM:
            raise error
        await self.outbox.error(error)
        return []
