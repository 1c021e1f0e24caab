"""The moment at which an answer is first heard of: it ends the timeline and is told once."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from server.timeline import Timeline


@dataclass(frozen=True, slots=True)
class FirstAudio:
    """Call it behind every frame. It knows no turn: a turn that its own player leads back to would
    keep its sound until the garbage collector comes.
    """

    timeline: Timeline
    tell: Callable[[], None]

    def __call__(self) -> None:
        """End the timeline and tell; from the second call on without effect."""
        if self.timeline.voice_to_voice_ms is None:
            self.timeline.first_audio_sent(time.monotonic())
            self.tell()
