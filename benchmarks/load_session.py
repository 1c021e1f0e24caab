"""One paced session of a load: a microphone that never stops, questions on a schedule, answers.

Written to be light, for dozens run in one process beside the server. It sums nothing up.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.accuracy import is_false_barge_in
from benchmarks.playback import Playback

FRAME_MS = 20
FRAME_BYTES = 640
OPEN_TIMEOUT_S = 10.0
_SILENCE = bytes(FRAME_BYTES)


class Refused(Exception):
    """The server takes no more sessions."""


class Connection(Protocol):
    """What a session needs of its socket; iterating gives PCM16 and JSON events until it closes.

    Raises ConnectionClosed once the other side has hung up.
    """

    async def send(self, message: bytes, /) -> None:
        """Send one frame of PCM16 at 16 kHz."""

    async def close(self) -> None:
        """Hang up."""

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """PCM16 at 16 kHz and the time in it at which speech truly ends."""

    name: str
    pcm: bytes
    speech_end_s: float
    said: str | None = None
    """Its true words, where they are known."""


@dataclass(slots=True)
class Exchange:
    """One question and what it brought; a later turn of the same question replaces the earlier."""

    question: str
    begins_at_s: float
    """As scheduled, on the clock of time.monotonic(), like all times here."""
    speech_ends_at_s: float
    playback: Playback
    said: str | None = None
    commits_at_s: list[float] = field(default_factory=list)
    false_barge_ins: int = 0
    turn: dict[str, Any] = field(default_factory=dict)
    """The `parley.turn` event."""
    dropped: list[Playback] = field(default_factory=list)
    """Sound of answers that another turn took the place of."""

    def begin_turn(self, at_s: float) -> None:
        """Put aside an answer to the first part of a question that was cut in two."""
        self.commits_at_s.append(at_s)
        if self.playback.samples:
            self.dropped.append(self.playback)
        self.playback = Playback(self.playback.rate_hz)
        self.turn = {}


class LoadSession:
    """One connection; open it, then run it once."""

    def __init__(self, connection: Connection, session: dict[str, Any]) -> None:
        self._connection = connection
        self._rate_hz = int(session["audio"]["output"]["format"]["rate"])
        self.engines: dict[str, str] = session["parley"]["engines"]
        self.exchanges: list[Exchange] = []
        self.latest_frame_ms = 0.0
        """How late a frame left at worst: more than some ms and the load itself was too slow."""
        self.lost_code: int | None = None
        """The close code, when the server hung up."""
        self._answered: Exchange | None = None

    @classmethod
    async def open(cls, url: str) -> "LoadSession":
        """Connect. Raises Refused when the server says so, OSError or TimeoutError without one."""
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            connection = await connect(url, compression=None, max_size=None, ping_interval=None)
            first = json.loads(await connection.recv())
        if first["type"] != "session.created":
            await connection.close()
            raise Refused(str(first.get("error", {}).get("code", first["type"])))
        return cls(connection, first["session"])

    async def run(
        self, asks: Iterable[tuple[float, Question]], start_s: float, end_s: float
    ) -> None:
        """Ask at `start_s` + each time, then listen until the last turn is reported.

        Times are of the monotonic clock; at `end_s` the session ends, whatever is still owed.
        """
        reader = asyncio.create_task(self._read())
        try:
            await self._speak(asks, start_s, end_s)
        except ConnectionClosed as closed:
            self.lost_code = closed.rcvd.code if closed.rcvd else 1006
        finally:
            await self._connection.close()
            await reader

    async def _speak(
        self, asks: Iterable[tuple[float, Question]], start_s: float, end_s: float
    ) -> None:
        """Send a frame every 20 ms; one that is late is sent at once, and none is left out."""
        upcoming = iter(asks)
        begins_s, question = next(upcoming, (float("inf"), None))
        pcm, position, number = b"", 0, 0
        while (due_s := start_s + (passed_s := number * FRAME_MS / 1000)) < end_s:
            await self._wait_until(due_s)
            if question is None and self._is_all_reported:
                return
            if question is not None and passed_s >= begins_s:
                pcm, position = question.pcm, 0
                self._begin(question, due_s)
                begins_s, question = next(upcoming, (float("inf"), None))
            frame = pcm[position : position + FRAME_BYTES]
            position += FRAME_BYTES
            await self._connection.send(frame.ljust(FRAME_BYTES, b"\0") if frame else _SILENCE)
            number += 1

    @property
    def _is_all_reported(self) -> bool:
        """A cancelled last turn is followed by another: its question was cut in two."""
        last = self.exchanges[-1].turn if self.exchanges else {"outcome": "none"}
        return bool(last) and last.get("outcome") != "cancelled"

    async def _wait_until(self, due_s: float) -> None:
        left_s = due_s - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)
        self.latest_frame_ms = max(self.latest_frame_ms, (time.monotonic() - due_s) * 1000)

    def _begin(self, question: Question, at_s: float) -> None:
        exchange = Exchange(
            question.name,
            at_s,
            at_s + question.speech_end_s,
            Playback(self._rate_hz),
            question.said,
        )
        self.exchanges.append(exchange)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._connection:
                if isinstance(message, str):
                    self._note(json.loads(message), time.monotonic())
                elif self._answered is not None:
                    self._answered.playback.arrive(time.monotonic(), message)

    def _note(self, event: dict[str, Any], at_s: float) -> None:
        """The server has one turn at a time: all from a commit to the next belongs to it."""
        if event["type"] == "input_audio_buffer.committed":
            self._answered = self.exchanges[-1] if self.exchanges else None
            if self._answered is not None:
                self._answered.begin_turn(at_s)
        elif event["type"] == "parley.turn" and (asked := self._answered) is not None:
            asked.turn = event
            asked.false_barge_ins += asked is self.exchanges[-1] and is_false_barge_in(
                event.get("outcome"),
                at_s,
                asked.speech_ends_at_s,
                is_audible=asked.playback.samples > 0,
            )


def waited_ms(exchanges: Sequence[Exchange], end_s: float) -> list[float]:
    """Return voice-to-voice of each question, from its scheduled end to the first audible sample.

    One that brought no sound enters with the time waited in vain, to the next question or the end:
    leaving it out would make a drowning server look fast.
    """
    return [
        ((until_s if heard_s is None else heard_s) - asked.speech_ends_at_s) * 1000
        for asked, until_s in with_ends(exchanges, end_s)
        for heard_s in [asked.playback.audible_at_s]
    ]


def with_ends(exchanges: Sequence[Exchange], end_s: float) -> Iterable[tuple[Exchange, float]]:
    """Pair one session's questions with the time until which each was waited for."""
    ends_s = [*(following.begins_at_s for following in exchanges[1:]), end_s]
    return zip(exchanges, ends_s, strict=False)
