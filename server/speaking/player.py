"""Plays one answer: the next piece is made while one plays, the sound is paced, and stands still
while somebody speaks into it.

What is said, and how it is made, is given to it (server/turn.py).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from models.tts import Speech
from server.errors import StageError
from server.speaking.pacing import Pacer
from server.speaking.response import Response
from server.speaking.script import Script
from server.speaking.track import Chunk, Track
from server.wire import response_events as told

CHUNK_MS = 40
"""Audio sent in one frame: short enough to stop quickly, long enough to be cheap."""

END_TOLD_BEFORE_S = 0.1
"""So early a client hears that no more sound comes: one that waits for more would count a gap."""

Synthesise = Callable[[str, int], Awaitable[Speech]]
"""Makes the sound of a piece, at the track's rate, of that number. Raises StageError."""


class Player:
    """One answer's way to the ears. For one event loop, without locks."""

    def __init__(
        self, track: Track, response: Response, lead_ms: int, on_sent: Callable[[], None]
    ) -> None:
        """`on_sent` is called behind every frame of the answer."""
        self._track = track
        self._response = response
        self._rate_hz = track.rate_hz
        self._pacer = Pacer(lead_ms, track.rate_hz)
        self._on_sent = on_sent
        self._may_play = asyncio.Event()
        self._may_play.set()
        self._silent_until_s = 0.0

    def pause(self, seconds: float) -> None:
        """Send no audio for so long, less than the lead: nobody hears that it stood still."""
        self._silent_until_s = time.monotonic() + seconds

    async def hold(self) -> None:
        """Send no more audio until `release`; what is synthesised meanwhile waits.

        Its last 5 ms fade, but for an answer that a `pause` has stopped before.
        """
        self._may_play.clear()
        if time.monotonic() >= self._silent_until_s:
            await self.fade_out()

    def release(self) -> None:
        """Go on where it stopped, or where the client says that it stopped listening."""
        self._may_play.set()

    @property
    def unplayed_s(self) -> float:
        """Seconds of sound that were sent and that nobody can have heard yet."""
        return self._pacer.unplayed_s(time.monotonic())

    @property
    def heard_sample(self) -> int:
        """How far a listener is, by the clock."""
        return self._track.heard(round(self.unplayed_s * self._rate_hz))

    def said_since(self, seconds: float) -> str:
        """Return the words that a listener can have heard in the last seconds, or is to hear."""
        first = self.heard_sample - round(seconds * self._rate_hz)
        return self._track.words.between(first, self._track.position + self._rate_hz)

    async def play(self, script: Script, synthesise: Synthesise) -> None:
        """Play each piece while the next is made. Raises StageError of one that was not made, when
        those before it were sent.
        """
        position = 0
        async with asyncio.TaskGroup() as group:
            upcoming = group.create_task(_make_next(script, synthesise, position))
            while isinstance(made := await upcoming, tuple):
                position += 1
                upcoming = group.create_task(_make_next(script, synthesise, position))
                await script.tell_progress()
                await self._play_piece(*made)
        if isinstance(made, StageError):
            raise made

    async def send_rest(self) -> None:
        """Send what is left and wait until nearly all of it was heard.

        Someone may speak into the last words, and the client go back to where it was then: what
        it has not played is sent again, as long as the end of the sound was not told.
        """
        while True:
            await self._may_play.wait()
            await self._play_on()
            if self.unplayed_s <= END_TOLD_BEFORE_S:
                return
            await asyncio.sleep(self.unplayed_s - END_TOLD_BEFORE_S)

    async def be_heard(self) -> None:
        """Wait until the last word was heard; the answer can be interrupted until then."""
        await asyncio.sleep(self.unplayed_s)
        await self._may_play.wait()

    async def fade_out(self) -> None:
        """Send the last few milliseconds before a cut."""
        await self._send(self._track.fade_out())

    async def _play_piece(self, sentence: str, speech: Speech) -> None:
        separator = "" if self._track.words.is_empty else " "
        self._track.add(sentence, speech)
        await self._response.words(separator + sentence)
        ids = (self._response.id, self._response.answer.id)
        await self._response.listener.event(told.Words(*ids, self._track.last_ends_ms))
        await self._play_on()

    async def _play_on(self) -> None:
        size = self._rate_hz * CHUNK_MS // 1000
        while self._track.left:
            await self._wait_to_send(min(size, self._track.left))
            await self._send(self._track.take(size))
            self._on_sent()

    async def _wait_to_send(self, samples: int) -> None:
        """Wait for the pace, for the end of a pause, and while the answer is held."""
        while True:
            now_s = time.monotonic()
            wait_s = max(self._pacer.wait_s(samples, now_s), self._silent_until_s - now_s)
            if wait_s <= 0:
                break
            await asyncio.sleep(wait_s)
        await self._may_play.wait()

    async def _send(self, chunk: Chunk) -> None:
        if len(chunk):
            await self._response.sound(chunk)
            self._pacer.sent(len(chunk), time.monotonic())


async def _make_next(
    script: Script, synthesise: Synthesise, position: int
) -> tuple[str, Speech] | StageError | None:
    """A failure is returned: raised, it would end what is being played."""
    piece = await script.piece()
    if piece is None:
        return None
    try:
        return piece, await synthesise(piece, position)
    except StageError as error:
        return error
