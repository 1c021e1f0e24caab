"""What a connection was sent and nobody has read yet, bounded in bytes. It reads no socket itself.

`websockets` counts frames: four that wait may be four bytes or 96 MB.
"""

from collections.abc import Callable
from typing import Final

from websockets.asyncio.messages import Assembler

UNREAD_BYTES: Final = 256 * 1024
"""With more than this waiting, the socket is read no further: 5 s of PCM16 at 24 kHz. So a client
makes the server hold this and one message of the largest size, beside the one that is served."""


class Unread(Assembler):
    """The frames that wait to be read, for `websockets`: it pauses reading and resumes it."""

    def __init__(
        self,
        high: int | None,
        low: int | None,
        pause: Callable[[], None],
        resume: Callable[[], None],
        limit_bytes: int = UNREAD_BYTES,
    ) -> None:
        super().__init__(high, low, pause, resume)
        self._limit_bytes = limit_bytes

    def maybe_pause(self) -> None:
        """Pause for too many frames, or for too large ones."""
        super().maybe_pause()
        if not self.paused and self.size_bytes > self._limit_bytes:
            self.paused = True
            self.pause()

    def maybe_resume(self) -> None:
        """Resume once there are few again, and small ones."""
        is_few = self.low is None or len(self.frames) <= self.low
        if self.paused and is_few and self.size_bytes <= self._limit_bytes:
            self.paused = False
            self.resume()

    @property
    def size_bytes(self) -> int:
        """Of all that wait."""
        return sum(len(frame.data) for frame in self.frames.queue)
