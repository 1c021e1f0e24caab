"""What a session does with the audio frames it is sent, before anyone asks what they mean.

It turns frames into endpoint events and refuses malformed ones; server/session.py acts on them.
"""

import time
from dataclasses import dataclass, field

from audio.endpoint import EndpointEvent
from audio.pcm import FrameError
from server.ears import Ears
from server.errors import BadFrame
from server.outbox import Outbox

BAD_FRAMES_MAXIMUM = 5
"""The bad frame with this number closes the session."""


@dataclass(slots=True)
class Intake:
    """One session's audio on its way to the ears."""

    ears: Ears
    outbox: Outbox
    _bad_frames: int = field(default=0, init=False)

    async def take(self, frame: bytes) -> list[EndpointEvent]:
        """Hear one frame. Raises BadFrame at the fifth malformed one; the others are told."""
        if not frame:
            return await self._refuse("The frame is empty; PCM16 samples are expected.")
        try:
            return self.ears.hear(frame, time.monotonic())
        except FrameError as error:
            return await self._refuse(str(error))

    async def _refuse(self, reason: str) -> list[EndpointEvent]:
        self._bad_frames += 1
        error = BadFrame(reason)
        if self._bad_frames >= BAD_FRAMES_MAXIMUM:
            raise error
        await self.outbox.error(error)
        return []
