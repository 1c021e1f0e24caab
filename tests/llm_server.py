"""A real HTTP server on 127.0.0.1 that plays a chat endpoint, healthy or failing as told.

It generates nothing: each request takes the next of `plays`, and `usual` once they are used up.
"""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Play:
    """What one request gets. By default all of `deltas`, a finish, usage and [DONE]."""

    deltas: Sequence[Mapping[str, Any]] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    raw: bytes | None = None
    """Sent as the whole body instead."""
    hangs_at: str = ""
    """`head` before the status line, `body` after the deltas."""
    is_cut: bool = False
    """The connection is closed after the deltas."""
    is_endless: bool = False
    """The deltas are sent over and over."""
    pause_s: float = 0.0
    """Before each delta."""


def says(*texts: str, **others: Any) -> Play:
    """A play of text deltas."""
    return Play([{"content": text} for text in texts], **others)


def calls(name: str, arguments: str, call_id: str = "call_1") -> Play:
    """A play of one tool call in two parts."""
    half = len(arguments) // 2
    function = {"name": name, "arguments": arguments[:half]}
    return Play(
        [
            {"tool_calls": [{"index": 0, "id": call_id, "type": "function", "function": function}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": arguments[half:]}}]},
        ],
        finish="tool_calls",
    )


@dataclass(slots=True)
class LlmServer:
    """The state of one such server; may be read and changed from any thread."""

    usual: Play = field(default_factory=lambda: says("It costs ", "twelve euros."))
    plays: deque[Play] = field(default_factory=deque)
    is_listing: bool = True
    """Whether it tells its models; 503 else."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of the chat requests, in order."""
    keys: list[str] = field(default_factory=list)
    """Their Authorization headers."""
    connections: int = 0
    abandoned: int = 0
    """Answers whose reader went away before their end."""
    port: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if head.startswith("GET"):
            listed = json.dumps({"object": "list", "data": [{"id": "test-model"}]}).encode()
            status = 200 if self.is_listing else 503
            writer.write(_head(status, {"Content-Length": str(len(listed))}) + listed)
            return True
        self.requests.append(json.loads(body))
        self.keys.append(headers.get("authorization", ""))
        play = self.plays.popleft() if self.plays else self.usual
        watch = asyncio.create_task(reader.read(1))
        work = asyncio.create_task(self._play(play, writer))
        try:
            await asyncio.wait([watch, work], return_when=asyncio.FIRST_COMPLETED)
            if not work.done() or isinstance(work.exception(), ConnectionError):
                self.abandoned += 1
                return False
            return work.result()
        finally:
            for task in (watch, work):
                task.cancel()
            await asyncio.wait([watch, work])

    async def _play(self, play: Play, writer: asyncio.StreamWriter) -> bool:
        if play.hangs_at == "head":
            await asyncio.Event().wait()
        if play.status != 200 or play.raw is not None:
            body = play.raw or b"{}"
            length = {"Content-Length": str(len(body))}
            kind = {"Content-Type": "text/event-stream"} if play.raw is not None else {}
            writer.write(_head(play.status, length | kind | dict(play.headers)) + body)
            return True
        streamed = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        writer.write(_head(200, streamed | dict(play.headers)))
        await self._stream(play, writer)
        if play.hangs_at == "body":
            await asyncio.Event().wait()
        if play.is_cut:
            return False
        for event in (_choice({}, play.finish), _USAGE, "[DONE]"):
            _write(writer, event)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _stream(self, play: Play, writer: asyncio.StreamWriter) -> None:
        while True:
            for delta in play.deltas:
                await asyncio.sleep(play.pause_s)
                _write(writer, _choice(delta, None))
                await writer.drain()
            if not play.is_endless:
                return


_USAGE = json.dumps({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})


def _choice(delta: Mapping[str, Any], finish: str | None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _write(writer: asyncio.StreamWriter, event: str) -> None:
    data = f"data: {event}\n\n".encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@contextmanager
def llm_server(*plays: Play) -> Iterator[LlmServer]:
    """Serve on a free port, in a thread of its own, until the block ends."""
    state = LlmServer(plays=deque(plays))
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stopping = asyncio.Event()
        stop.append((asyncio.get_running_loop(), stopping))
        server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
        state.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stopping.wait()
        server.close()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="llm-under-test")
    thread.start()
    try:
        assert ready.wait(10)
        yield state
    finally:
        loop, stopping = stop[0]
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        assert not thread.is_alive()
