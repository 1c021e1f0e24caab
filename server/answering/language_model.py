"""The language model as the process sees it: one or two endpoints, tried until one begins to speak.

Who calls gets the first piece with the call, or LlmUnavailable. Nothing is tried again once a piece
was delivered. It knows no documents and writes no prompt.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from models.llm import ChatRequest, Finish, LlmError, LlmFault, Piece
from server.answering.backoff import Backoff
from server.answering.endpoint import Endpoint
from server.answering.metrics import ANSWERED, LEFT, LlmMetrics
from server.deadline import Deadline
from server.errors import LlmUnavailable

log = logging.getLogger(__name__)

PROBE_INTERVAL_S = 1.0
SLOW_FROM_CALLS = 3
SLOW_PAUSE_S = 30.0
"""A model that is slow on average of so many calls is not asked for so long; then anew."""
PROBE_TIMEOUT_S = 10.0
FAIR_S = 1.0
"""Who was given less time than this is not blamed for having been too slow."""


@dataclass(slots=True)
class Reply:
    """A call that was begun: its pieces, and which endpoint gives them."""

    endpoint: Endpoint
    first_token_s: float
    _first: Piece | None
    _rest: AsyncIterator[Piece]
    _metrics: LlmMetrics
    is_over: bool = False
    """It was read to its end, or broke off."""

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        """Raises LlmError when the answer breaks off."""
        piece, self._first = self._first, None
        if piece is None:
            try:
                piece = await anext(self._rest)
            except LlmError as error:
                self._end(error.fault)
                raise
        if isinstance(piece, Finish):
            self._end(ANSWERED)
            if piece.usage is not None:
                self._metrics.counted(piece.usage)
        return piece

    def leave(self) -> None:
        """Nobody reads on: counted as such unless it was over."""
        if not self.is_over:
            self._end(LEFT)

    def _end(self, result: str) -> None:
        self.is_over = True
        self._metrics.called(self.endpoint.role, result)


@dataclass(slots=True)
class LanguageModel:
    """For one event loop, without locks."""

    endpoints: tuple[Endpoint, ...]
    """The first is asked first."""
    metrics: LlmMetrics
    retries: int = 3
    calls_at_once: int = 8
    """More are not begun: a line of callers would only wait past their patience."""
    backoff: Backoff = field(default_factory=Backoff)
    slow_s: float = 3.0
    """First tokens that come later than this on average are too slow for speech."""
    clock: Callable[[], float] = time.monotonic
    on_change: Callable[[], None] = lambda: None
    """Called when an endpoint fails or is there again."""
    _calls: int = 0
    _first_tokens_s: list[float] = field(default_factory=list)
    """Of the last SLOW_FROM_CALLS calls."""
    _slow_until_s: float = 0.0

    @property
    def is_slow(self) -> bool:
        """Whether it kept people waiting lately."""
        return self.clock() < self._slow_until_s

    @property
    def name(self) -> str:
        """The endpoint that would be asked now, or the first when none would."""
        return next((it for it in self.endpoints if it.is_up), self.endpoints[0]).model.name

    @property
    def fingerprint(self) -> str:
        """Of the endpoint that would be asked now."""
        up = next((it for it in self.endpoints if it.is_up), self.endpoints[0])
        return up.model.fingerprint

    @property
    def is_up(self) -> bool:
        """Whether any endpoint is asked."""
        return any(endpoint.is_up for endpoint in self.endpoints)

    @property
    def is_full(self) -> bool:
        """Whether no further call is begun now."""
        return self._calls >= self.calls_at_once

    @asynccontextmanager
    async def chat(self, request: ChatRequest, patience: Deadline) -> AsyncIterator[Reply]:
        """Begin a call; leaving the context ends it. `patience` is for its first piece.

        Raises LlmUnavailable at the entry when none has begun to answer by then. Failed tries are
        repeated where they may succeed later, with growing waits, at each endpoint in turn.
        """
        if self.is_full:
            raise LlmUnavailable("The language model is busy: the documents are quoted instead.")
        self._calls += 1
        self.metrics.set_in_use(self._calls)
        try:
            async with AsyncExitStack() as stack:
                reply = await self._begin(stack, request, patience)
                stack.callback(reply.leave)
                yield reply
        finally:
            self._calls -= 1
            self.metrics.set_in_use(self._calls)

    async def close(self) -> None:
        """Close every connection, once no call runs any more."""
        for endpoint in self.endpoints:
            await endpoint.model.close()

    async def watch(self) -> None:
        """Ask endpoints that failed for their models from time to time, until cancelled."""
        while True:
            for endpoint in self.endpoints:
                if endpoint.may_probe():
                    await self._probe(endpoint)
                self.metrics.set_up(endpoint.role, is_up=endpoint.is_up)
            await asyncio.sleep(PROBE_INTERVAL_S)

    def status(self) -> list[dict[str, object]]:
        """Return what /health and /stats tell of each endpoint."""
        return [
            {
                "endpoint": str(endpoint.role),
                "model": endpoint.model.name,
                "state": str(endpoint.breaker.state),
                "fault": str(endpoint.fault) if endpoint.fault else None,
            }
            for endpoint in self.endpoints
        ]

    async def _begin(
        self, stack: AsyncExitStack, request: ChatRequest, patience: Deadline
    ) -> Reply:
        hopeful = [endpoint for endpoint in self.endpoints if endpoint.is_up]
        failed: list[Endpoint] = []
        for failures in range(self.retries + 1):
            if failures and not await self._wait(failures, hopeful, patience):
                break
            for endpoint in [it for it in hopeful if it.ready_in_s == 0.0]:
                is_fair = patience.remaining_s >= FAIR_S
                try:
                    reply = await self._try(stack, endpoint, request, patience)
                except LlmError as error:
                    self.metrics.called(endpoint.role, error.fault)
                    endpoint.tried_in_vain(error)
                    if is_fair or error.fault is not LlmFault.TOTAL_TIMEOUT:
                        failed.append(endpoint)
                    if not error.is_worth_another_try:
                        hopeful.remove(endpoint)
                else:
                    self._note_failed(it for it in failed if it is not endpoint)
                    return reply
        self._note_failed(failed)
        raise LlmUnavailable("The language model does not answer: the documents are quoted.")

    async def _wait(self, failures: int, hopeful: list[Endpoint], patience: Deadline) -> bool:
        """Wait until one may be asked again; False when none may within the patience."""
        waits_s = [self.backoff.wait_s(failures, endpoint.ready_in_s) for endpoint in hopeful]
        wait_s = min(waits_s, default=float("inf"))
        if wait_s >= patience.remaining_s:
            return False
        await asyncio.sleep(wait_s)
        return True

    async def _try(
        self, stack: AsyncExitStack, endpoint: Endpoint, request: ChatRequest, patience: Deadline
    ) -> Reply:
        started_at_s = time.monotonic()
        async with AsyncExitStack() as own:
            pieces = await own.enter_async_context(endpoint.model.chat(request))
            try:
                async with asyncio.timeout(patience.remaining_s):
                    first = await anext(pieces)
            except TimeoutError:
                told = "The patience with the language model was over."
                raise LlmError(LlmFault.TOTAL_TIMEOUT, told) from None
            if isinstance(first, Finish):
                raise LlmError(LlmFault.GARBLED, "The language model said nothing.")
            stack.push_async_exit(own.pop_all())
        elapsed_s = time.monotonic() - started_at_s
        self._note_begun(endpoint, elapsed_s)
        return Reply(endpoint, elapsed_s, first, pieces, self.metrics)

    def _note_begun(self, endpoint: Endpoint, elapsed_s: float) -> None:
        was_up = endpoint.is_up
        endpoint.answered()
        if not was_up:
            log.warning("the %s language model answers again", endpoint.role)
            self.on_change()
        self.metrics.set_up(endpoint.role, is_up=True)
        self.metrics.first_token(endpoint.role, elapsed_s)
        self._first_tokens_s = [*self._first_tokens_s, elapsed_s][-SLOW_FROM_CALLS:]
        mean_s = sum(self._first_tokens_s) / SLOW_FROM_CALLS
        if len(self._first_tokens_s) == SLOW_FROM_CALLS and mean_s > self.slow_s:
            self._slow_until_s = self.clock() + SLOW_PAUSE_S
            self._first_tokens_s = []

    def _note_failed(self, failed: Iterable[Endpoint]) -> None:
        for endpoint in {it.role: it for it in failed}.values():
            was_up = endpoint.is_up
            endpoint.failed()
            self.metrics.set_up(endpoint.role, is_up=False)
            if was_up:
                log.warning(
                    "the %s language model does not answer (%s)", endpoint.role, endpoint.fault
                )
                self.on_change()

    async def _probe(self, endpoint: Endpoint) -> None:
        error: LlmError | None = None
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await endpoint.model.models()
        except LlmError as raised:
            error = raised
        except TimeoutError:
            error = LlmError(LlmFault.FIRST_TOKEN_TIMEOUT, "The models were not listed in time.")
        endpoint.probed(error)
        if error is None:
            log.warning("the %s language model is there again", endpoint.role)
            self.on_change()
