"""Keeps the assistant's own voice, back through the microphone, from counting as speech.

It stands between the ears and the session and withholds events; it judges no words.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from audio.echo import PIECE_MS, likeness
from audio.endpoint import EndpointEvent, SpeechDropped, SpeechStarted, UtteranceEnded
from audio.pcm import Samples, decode_pcm16
from server.hearing.ears import RATE_HZ, Ears

KEPT_S = 3.0
"""Of what was sent: an echo comes within the lead, a client's buffer and the room."""
REACH_S = 2.0
"""So long after the last sound was sent something may still be its echo."""
ECHO_LIKENESS = 0.62
"""See audio/echo.py. A question that seems an echo at its onset is told a little later."""
STILL_ECHO_LIKENESS = 0.5
LOOKS = 2
"""So many looks in a row below it tell of a person: one piece of an echo may be badly heard."""
WHOLE_LIKENESS = 0.62
"""For the mean over an utterance, which tells more than half a second of it."""
LOOK_AGAIN_SAMPLES = RATE_HZ // 4
DOUBT_S = 0.3
"""The answer stands still for so long while it is not known who speaks: until the next look, and
less than the lead of 400 ms, so that an echo is not heard to stop what it is the echo of."""
_PIECE_SAMPLES = RATE_HZ * PIECE_MS // 1000
_MOST_PIECES = 4


@dataclass(slots=True)
class EchoGuard:
    """One session's; `sent` is told every frame of audio that leaves."""

    ears: Ears
    rate_hz: int
    on_echo: Callable[[], None]
    now_s: Callable[[], float] = time.monotonic
    on_doubt: Callable[[], None] = lambda: None
    """Called when speech may be an echo or a person's: nothing is told of it yet."""
    _sent: deque[Samples] = field(default_factory=deque, init=False)
    _sent_samples: int = field(default=0, init=False)
    _last_sent_s: float = field(default=float("-inf"), init=False)
    _withheld: SpeechStarted | None = field(default=None, init=False)
    _looked_at: int = field(default=0, init=False)
    _doubts: int = field(default=0, init=False)

    def sent(self, pcm: bytes, rate_hz: int) -> None:
        """Remember a frame of PCM16 that was sent; older ones are forgotten, as is another rate."""
        if rate_hz != self.rate_hz:
            self._sent.clear()
            self.rate_hz, self._sent_samples = rate_hz, 0
        self._sent.append(decode_pcm16(pcm))
        self._sent_samples += len(self._sent[-1])
        while self._sent_samples - len(self._sent[0]) > KEPT_S * self.rate_hz:
            self._sent_samples -= len(self._sent.popleft())
        self._last_sent_s = self.now_s()

    async def pass_on(self, events: Sequence[EndpointEvent]) -> list[EndpointEvent]:
        """Return the events that are no echo's; speech that joins an echo is told when seen."""
        passed: list[EndpointEvent] = []
        for event in events:
            passed += await self._judge(event)
        if self._withheld and not events:
            passed += self._look_again()
        return passed

    def forget(self) -> None:
        """What is being heard was cleared or committed by the client."""
        self._withheld = None

    async def _judge(self, event: EndpointEvent) -> list[EndpointEvent]:
        if isinstance(event, SpeechStarted):
            heard = self.ears.utterance_so_far()
            self._withheld = event if self._likeness(heard) >= ECHO_LIKENESS else None
            self._looked_at, self._doubts = len(heard), 0
            if self._withheld is None:
                return [event]
            self.on_doubt()
            return []
        if isinstance(event, UtteranceEnded):
            started, self._withheld = self._withheld, None
            if await self._is_echo_whole(event.spoken):
                self.on_echo()
                return [SpeechDropped(event.start_sample, event.end_sample)]
            return [event] if started is None else [started, event]
        return [] if self._withheld else [event]

    def _look_again(self) -> list[EndpointEvent]:
        started, heard = self._withheld, self.ears.utterance_so_far()
        if started is None or len(heard) < self._looked_at + LOOK_AGAIN_SAMPLES:
            return []
        self._looked_at = len(heard)
        piece = heard[-_PIECE_SAMPLES:]
        # In a pause there is nothing to judge: the speech before it was an echo already.
        is_pause = np.abs(piece).max() < np.abs(heard).max() / 10
        if is_pause or self._likeness(heard) >= STILL_ECHO_LIKENESS:
            self._doubts = 0
            return []
        self._doubts += 1
        if self._doubts < LOOKS:
            self.on_doubt()
            return []
        self._withheld = None
        return [started]

    async def _is_echo_whole(self, spoken: Samples) -> bool:
        """The mean over its loud pieces; other sessions get their turn between two."""
        loudest = float(np.abs(spoken).max(initial=0.0))
        found: list[float] = []
        for end in range(len(spoken), _PIECE_SAMPLES - 1, -_PIECE_SAMPLES):
            piece = spoken[end - _PIECE_SAMPLES : end]
            if np.abs(piece).max() > loudest / 10 and len(found) < _MOST_PIECES:
                found.append(self._likeness(piece))
                await asyncio.sleep(0)
        return bool(found) and sum(found) / len(found) >= WHOLE_LIKENESS

    def _likeness(self, heard: Samples) -> float:
        if not self._sent or self.now_s() - self._last_sent_s > REACH_S:
            return 0.0
        # What is heard as an answer begins or ends has silence on its other side.
        quiet = np.zeros(self.rate_hz * PIECE_MS // 1000, np.float32)
        return likeness(heard, RATE_HZ, np.concatenate([quiet, *self._sent, quiet]), self.rate_hz)
