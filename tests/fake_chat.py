"""A chat model that plays what it is told; it opens no connection."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from models.llm import ChatRequest, Finish, FinishReason, LlmError, LlmFault, Piece, TextDelta

HANGS = "hangs"
"""As a piece: nothing more comes."""
WAITS = "waits"
"""As a piece: more comes once `go` is set."""

Played = Sequence[Piece | LlmError | str]


def text(*parts: str) -> Played:
    """A whole answer."""
    return [*map(TextDelta, parts), Finish(FinishReason.STOP)]


def fault(kind: LlmFault, retry_after_s: float | None = None) -> LlmError:
    return LlmError(kind, "told", retry_after_s)


class FakeChat:
    """Each call plays the next of `plays`, and `usual` once they are used up."""

    def __init__(self, *plays: Played, name: str = "fake model", usual: Played = ()) -> None:
        self.name = name
        self.fingerprint = name
        self.plays = deque(plays)
        self.usual = usual or text("It costs ", "twelve euros.")
        self.requests: list[ChatRequest] = []
        self.listing: LlmError | None = None
        """What is raised when it is asked for its models."""
        self.listed = 0
        self.go = asyncio.Event()
        self.open = 0
        """Calls that were entered and not left."""

    @asynccontextmanager
    async def chat(
        self, request: ChatRequest, within_s: float | None = None
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        self.requests.append(request)
        self.open += 1
        try:
            yield self._pieces(self.plays.popleft() if self.plays else self.usual)
        finally:
            self.open -= 1

    async def models(self) -> tuple[str, ...]:
        self.listed += 1
        if self.listing is not None:
            raise self.listing
        return (self.name,)

    async def close(self) -> None:
        assert self.open == 0

    async def _pieces(self, played: Played) -> AsyncIterator[Piece]:
        for piece in played:
            if isinstance(piece, LlmError):
                raise piece
            if isinstance(piece, str):
                await (self.go if piece == WAITS else asyncio.Event()).wait()
                continue
            yield piece
