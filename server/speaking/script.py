"""What is left to be said of a reply, within the response's limit, and what is told beside it.

It speaks and writes nothing.
"""

from dataclasses import dataclass, field

from rag.answer import Source
from server.answering.reply import Reply
from server.speaking.response import Listener, Response
from server.wire import response_events as told
from server.wire.merged_sources import merge_sources
from server.wire.usage import CHARACTERS_PER_TOKEN


@dataclass(slots=True)
class Script:
    """One turn's. Pieces are taken once each."""

    reply: Reply
    response: Response
    listener: Listener
    is_limited: bool = False
    """The response might have no more tokens, and the answer had."""
    _taken: list[str] = field(default_factory=list)
    _characters: int = 0
    _is_troubled: bool = False
    _sources: tuple[Source, ...] | None = None

    async def piece(self) -> str | None:
        """Return what is said next, whole words; None at the end."""
        piece = None if self.is_limited else await self.reply.piece()
        if piece is None:
            return None
        limited = self._limited(piece)
        self._characters += len(limited) + 1
        if limited:
            self._taken.append(limited)
        return limited or None

    @property
    def pieces(self) -> list[str]:
        """All that was taken, and what is known of what follows."""
        return [*self._taken, *([] if self.is_limited else self.reply.upcoming())]

    async def tell_trouble(self) -> None:
        """Say, once, that the documents are quoted because no language model answered."""
        if self.reply.trouble is not None and not self._is_troubled:
            self._is_troubled = True
            await self.listener.error(self.reply.trouble)

    async def tell_progress(self) -> None:
        """Tell what there is to tell: trouble, and all sources anew when more were cited."""
        await self.tell_trouble()
        if self.reply.answer.sources != self._sources:
            self._sources = self.reply.answer.sources
            ids = (self.response.id, self.response.answer.id)
            await self.listener.event(told.Sources(*ids, merge_sources(self._sources)))

    def _limited(self, piece: str) -> str:
        limit = self.response.wish.config.max_output_tokens
        if limit is None:
            return piece
        left = max(0, limit * CHARACTERS_PER_TOKEN - self._characters)
        self.is_limited = left < len(piece)
        return piece[: left + 1].rpartition(" ")[0] if self.is_limited else piece
