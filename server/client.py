"""A client of /ws: plays speech at real-time pace and keeps what came back, with its times.

`parley ask`, `make demo` and the benchmarks use it. It draws no conclusions.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from audio.pcm import Samples, encode_pcm16
from audio.resample import resample
from server.errors import ParleyError

RATE_HZ = 16_000
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
CLEARED = "input_audio_buffer.cleared"


class NoServer(ParleyError):
    """Nothing answers at the address."""

    code = "no_server"


class NoAnswer(ParleyError):
    """The server ended the conversation, or said nothing in time."""

    code = "no_answer"


@dataclass(slots=True)
class Reply:
    """All that one question brought back."""

    events: list[dict[str, Any]] = field(default_factory=list)
    event_arrivals_s: list[float] = field(default_factory=list)
    """When each of `events` arrived, on the clock of time.monotonic()."""
    audio: list[bytes] = field(default_factory=list)
    rate_hz: int = 0
    question_ended_at_s: float = 0.0
    first_audio_at_s: float | None = None
    """When the first binary frame arrived, on the clock of time.monotonic()."""
    audio_arrivals: list[tuple[float, int]] = field(default_factory=list)
    """Each frame's arrival and its number of samples."""

    def last(self, kind: str) -> dict[str, Any]:
        """Return the last event of that type; empty when there was none."""
        return next((event for event in reversed(self.events) if event["type"] == kind), {})

    @property
    def turn(self) -> dict[str, Any]:
        """The `parley.turn` event."""
        return self.last("parley.turn")

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The sources of the answer, best first."""
        sources: list[dict[str, Any]] = self.last("parley.sources").get("sources", [])
        return sources

    @property
    def samples(self) -> NDArray[np.int16]:
        """The answer's audio."""
        return np.frombuffer(b"".join(self.audio), "<i2")

    def summary(self) -> Mapping[str, Any]:
        """Return the object that `parley ask --json` prints."""
        turn = self.turn
        return {
            "transcript": turn.get("transcript", ""),
            "answer": turn.get("answer", ""),
            "outcome": turn.get("outcome", ""),
            "sources": self.sources,
            "segments": turn.get("segments", {}),
            "voice_to_voice_ms": turn.get("voice_to_voice_ms"),
            "engines": turn.get("engines", {}),
            "cache": turn.get("cache", {}),
        }


class Conversation:
    """One open socket. Use as `async with await Conversation.open(url)`."""

    def __init__(self, connection: ClientConnection, session: Mapping[str, Any]) -> None:
        self._connection = connection
        self.session = session
        self.rate_hz = int(session["audio"]["output"]["format"]["rate"])

    @classmethod
    async def open(
        cls,
        url: str,
        token: str = "",
        timeout_s: float = 5.0,
        trust: ssl.SSLContext | None = None,
    ) -> "Conversation":
        """Connect and wait for session.created. Raises NoServer with what to do.

        `trust` tells which certificates are believed at a wss address; None for the system's.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else None
        try:
            async with asyncio.timeout(timeout_s):
                connection = await connect(
                    url,
                    compression=None,
                    max_size=None,
                    additional_headers=headers,
                    ssl=trust or (True if url.startswith("wss:") else None),
                )
                first = json.loads(await connection.recv())
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, ConnectionClosed) as error:
            raise NoServer(
                f"No Parley server answers at {url} ({type(error).__name__}). "
                "Start one with `make run` or `parley serve`, or give another --url."
            ) from error
        if first.get("type") != "session.created":
            await connection.close()
            raise NoServer(f"{url} refused: {first.get('error', {}).get('message', 'no reason')}")
        return cls(connection, first["session"])

    async def __aenter__(self) -> "Conversation":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._connection.close()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send one client event."""
        await self._connection.send(json.dumps(event))

    async def ask(
        self, speech: Samples, rate_hz: int, timeout_s: float = 60.0, *, is_cut: bool = False
    ) -> Reply:
        """Speak mono float32 at real-time pace, then silence until the turn is reported.

        `is_cut` answers are cancelled at their first sound.
        Raises NoAnswer when the server hangs up or the time is over.
        """
        samples = resample(speech, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else speech
        reply = Reply(rate_hz=self.rate_hz)
        reader = asyncio.create_task(self._read_turn(reply, is_cut=is_cut))
        speaker = asyncio.create_task(self._speak(samples, reply))
        try:
            async with asyncio.timeout(len(samples) / RATE_HZ + timeout_s):
                await reader
        except TimeoutError:
            raise NoAnswer(
                f"No answer came within {timeout_s:g} s of the question: "
                "was there speech in the recording?"
            ) from None
        except ConnectionClosed as error:
            raise NoAnswer(f"The server closed the connection ({error.code}).") from error
        finally:
            for task in (speaker, reader):
                task.cancel()
            await asyncio.gather(speaker, reader, return_exceptions=True)
        return reply

    async def clear(self, timeout_s: float = 30.0) -> None:
        """Have the server forget what it heard and did not answer; return when it has.

        Raises TimeoutError when it does not say so, NoAnswer when it hangs up.
        """
        await self.send({"type": "input_audio_buffer.clear"})
        async with asyncio.timeout(timeout_s):
            async for message in self._connection:
                if isinstance(message, str) and json.loads(message)["type"] == CLEARED:
                    return
        raise NoAnswer("The server closed the connection.")

    async def _speak(self, samples: Samples, reply: Reply) -> None:
        pcm = encode_pcm16(samples)
        frame_bytes = FRAME_SAMPLES * 2
        silence = bytes(frame_bytes)
        started_at_s = time.monotonic()
        reply.question_ended_at_s = started_at_s + len(samples) / RATE_HZ
        number = 0
        while True:
            frame = pcm[number * frame_bytes : (number + 1) * frame_bytes]
            await self._connection.send(frame.ljust(frame_bytes, b"\0") if frame else silence)
            number += 1
            next_at_s = started_at_s + number * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, next_at_s - time.monotonic()))

    async def _read_turn(self, reply: Reply, *, is_cut: bool) -> None:
        async for message in self._connection:
            if isinstance(message, bytes):
                now_s = time.monotonic()
                if reply.first_audio_at_s is None:
                    reply.first_audio_at_s = now_s
                    if is_cut:
                        await self.send({"type": "response.cancel"})
                reply.audio.append(message)
                reply.audio_arrivals.append((now_s, len(message) // 2))
                continue
            event = json.loads(message)
            reply.events.append(event)
            reply.event_arrivals_s.append(time.monotonic())
            if event["type"] == "parley.turn":
                was_cut = is_cut and reply.first_audio_at_s is not None
                if was_cut or event["outcome"] != "cancelled":
                    return
        raise NoAnswer("The server closed the connection before it answered.")


async def ask_once(
    url: str, speech: Samples, rate_hz: int, token: str = "", trust: ssl.SSLContext | None = None
) -> Reply:
    """Open a socket, ask one question and close it."""
    async with await Conversation.open(url, token, trust=trust) as conversation:
        return await conversation.ask(speech, rate_hz)
