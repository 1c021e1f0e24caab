"""Any OpenAI-compatible chat endpoint over HTTP/1.1: one pool of connections, a deadline a phase.

It makes one call and tries nothing again: server/answering/ decides on that. It follows no redirect
and asks no proxy, so that the key goes to the address that was set and nowhere else.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from models.event_stream import EventStream, EventTooLong
from models.llm import ChatDeadlines, ChatRequest, LlmError, LlmFault, Piece
from models.llm_wire import ChunkReader, body_of, model_names, retry_after_s

LARGEST_ANSWER_BYTES: Final = 4 << 20
"""Of one streamed answer: 300 bytes a token make 13,000 tokens of it."""
LARGEST_LIST_BYTES: Final = 1 << 20
MOST_CONNECTIONS: Final = 32
KEEP_ALIVE_S: Final = 120.0
"""A turn may come a minute after the other, and a new connection costs it a round trip or three."""
USAGE_WAIT_S: Final = 0.5
"""After the model said why it stopped: for usage and the end of the stream. The answer is whole."""

END_WAIT_S: Final = 0.05
"""After the last event, for the end of the body: then the connection can be used again."""

_HEADERS: Final = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}


@dataclass(slots=True)
class LlmClient:
    """A `models.llm.ChatModel`. Close it once no call runs any more."""

    base_url: str
    """Up to and including `/v1`."""
    model: str
    api_key: str = field(default="", repr=False)
    deadlines: ChatDeadlines = ChatDeadlines()
    _http: httpx.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        self._http = httpx.AsyncClient(
            headers=_HEADERS | key,
            limits=httpx.Limits(
                max_connections=MOST_CONNECTIONS,
                max_keepalive_connections=MOST_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            timeout=httpx.Timeout(None, connect=self.deadlines.connect_s),
            trust_env=False,
        )

    @property
    def name(self) -> str:
        """What people read: model and host."""
        return f"{self.model} at {self.host}"

    @property
    def fingerprint(self) -> str:
        """Model and address: another host may serve other weights under the same name."""
        return f"{self.model}@{self.base_url}"

    @property
    def host(self) -> str:
        """Host and port; an address may carry a key elsewhere."""
        parts = urlsplit(self.base_url)
        return (parts.hostname or "") + (f":{parts.port}" if parts.port else "")

    @asynccontextmanager
    async def chat(
        self, request: ChatRequest, within_s: float | None = None
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        """See `models.llm.ChatModel.chat`."""
        limits = self.deadlines
        total_s = limits.total_s if within_s is None else min(within_s, limits.total_s)
        call = _Call(self, request, time.monotonic(), total_s)
        try:
            yield call
        finally:
            await call.close()

    async def models(self) -> tuple[str, ...]:
        """See `models.llm.ChatModel.models`; within the deadline of a first token."""
        try:
            async with asyncio.timeout(self.deadlines.first_token_s):
                return model_names(await self._listed())
        except TimeoutError:
            raise self._error(LlmFault.FIRST_TOKEN_TIMEOUT, "did not list its models") from None
        except httpx.HTTPError as error:
            raise self._http_error(error) from error

    async def close(self) -> None:
        """See `models.llm.ChatModel.close`."""
        await self._http.aclose()

    async def _listed(self) -> str:
        async with self._http.stream("GET", self._url("models")) as response:
            self._check_status(response)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > LARGEST_LIST_BYTES:
                    raise self._error(LlmFault.TOO_LARGE, "sent too long a list of models")
        return body.decode("utf-8", "replace")

    def _url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path}"

    async def _send(self, request: ChatRequest) -> httpx.Response:
        """Send it and read the head of the answer."""
        body = json.dumps(body_of(self.model, request)).encode()
        posted = self._http.build_request(
            "POST",
            self._url("chat/completions"),
            content=body,
            headers={"Content-Type": "application/json"},
        )
        response = await self._http.send(posted, stream=True)
        try:
            self._check_status(response)
            kind = response.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise self._error(LlmFault.GARBLED, "gave no event stream")
        except LlmError:
            await response.aclose()
            raise
        return response

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        fault = LlmFault.SERVER_ERROR if status >= 500 else LlmFault.REFUSED
        if status == 429:
            fault = LlmFault.BUSY
        raise LlmError(
            fault,
            f"The language model at {self.host} answered with status {status}.",
            retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)),
            status,
        )

    def _error(self, fault: LlmFault, what: str) -> LlmError:
        return LlmError(fault, f"The language model at {self.host} {what}.")

    def _http_error(self, error: httpx.HTTPError) -> LlmError:
        match error:
            case httpx.ConnectTimeout() | httpx.PoolTimeout():
                return self._error(LlmFault.CONNECT_TIMEOUT, "took too long to connect to")
            case httpx.ConnectError() | httpx.UnsupportedProtocol():
                return self._error(LlmFault.UNREACHABLE, "cannot be reached")
            case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
                return self._error(LlmFault.CUT, "ended the connection")
        return self._error(LlmFault.GARBLED, f"failed: {type(error).__name__}")


class _Call:
    """The pieces of one answer. Each wait has its own deadline; no timeout spans a yield."""

    def __init__(
        self, client: LlmClient, request: ChatRequest, started_at_s: float, total_s: float
    ) -> None:
        self._client = client
        self._request = request
        self._ends_at_s = started_at_s + total_s
        self._first_by_s = started_at_s + client.deadlines.first_token_s
        self._response: httpx.Response | None = None
        self._bytes: AsyncIterator[bytes] | None = None
        self._events = EventStream()
        self._reader = ChunkReader()
        self._waiting: list[Piece] = []
        self._taken_bytes = 0
        self._has_begun = False

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        while not self._waiting:
            if self._reader.is_done:
                raise StopAsyncIteration
            await self._more()
        self._has_begun = True
        return self._waiting.pop(0)

    async def close(self) -> None:
        """Give the connection back to the pool if its answer can be read to the end, else close it.

        What ends a chunked body mostly comes with the last event, so that it is there already.
        """
        if self._response is None:
            return
        try:
            if self._reader.is_done and self._bytes is not None:
                with suppress(TimeoutError, httpx.HTTPError):
                    async with asyncio.timeout(END_WAIT_S):
                        await anext(self._bytes, b"")
        finally:
            await self._response.aclose()

    async def _more(self) -> None:
        """Wait for the next bytes, within the phase that the call is in."""
        by_s, fault = self._phase()
        try:
            async with asyncio.timeout(by_s - time.monotonic()):
                await self._read()
        except TimeoutError:
            if not self._reader.is_finished:
                raise self._client._error(fault, "did not go on in time") from None
            self._waiting += self._reader.end()
        except httpx.HTTPError as error:
            raise self._client._http_error(error) from error
        except EventTooLong:
            raise self._client._error(LlmFault.TOO_LARGE, "sent too long an event") from None

    def _phase(self) -> tuple[float, LlmFault]:
        """When the wait that begins now must be over, and what it is called when it is not."""
        now_s = time.monotonic()
        if self._reader.is_finished:
            phase = (now_s + USAGE_WAIT_S, LlmFault.STALLED)
        elif self._has_begun:
            phase = (now_s + self._client.deadlines.between_tokens_s, LlmFault.STALLED)
        else:
            phase = (self._first_by_s, LlmFault.FIRST_TOKEN_TIMEOUT)
        return min(phase, (self._ends_at_s, LlmFault.TOTAL_TIMEOUT))

    async def _read(self) -> None:
        """Read until an event came, or the end: comments that keep a connection alive are none."""
        if self._bytes is None:
            self._response = await self._client._send(self._request)
            self._bytes = self._response.aiter_raw()
        while True:
            chunk = await anext(self._bytes, b"")
            if not chunk:
                self._end()
                return
            self._taken_bytes += len(chunk)
            if self._taken_bytes > LARGEST_ANSWER_BYTES:
                raise self._client._error(LlmFault.TOO_LARGE, "did not end its answer")
            if events := self._events.feed(chunk):
                for event in events:
                    if not self._reader.is_done:
                        self._waiting += self._reader.read(event)
                return

    def _end(self) -> None:
        if not self._reader.is_finished:
            raise self._client._error(LlmFault.CUT, "ended its answer in the middle")
        self._waiting += self._reader.end()
