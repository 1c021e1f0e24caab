"""One answer that a language model is giving, for everyone who wants it. It asks no model."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from server.answering.cutting import Spoken
from server.answering.kept_answers import Told
from server.answering.prompt import NOT_FOUND
from server.errors import LlmUnavailable

_MARKS: Final = " .\"'`*_"


@dataclass(slots=True)
class Generation:
    """Grows until it is over; readers come and go, and each reads it from the start."""

    engine: str
    maximum_characters: int
    """Of all pieces together: what is beyond is never spoken."""
    pieces: list[Spoken] = field(default_factory=list)
    is_refusal: bool = False
    is_over: bool = False
    is_full: bool = False
    """No further piece is wanted."""
    trouble: LlmUnavailable | None = None
    """Why it is over without being whole."""
    readers: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, told: Told) -> "Generation":
        """Return one that is over, and was kept."""
        return cls(told.engine, 0, list(told.pieces), told.is_refusal, True, True)

    async def piece(self, place: int) -> Spoken | None:
        """Wait for the piece at that place; None when the answer ended before it."""
        while place >= len(self.pieces) and not self.is_over:
            await self._news.wait()
        return self.pieces[place] if place < len(self.pieces) else None

    def add(self, pieces: Iterable[Spoken]) -> None:
        """Take what was cut off the stream."""
        for piece in pieces:
            if piece.text.strip(_MARKS) == NOT_FOUND:
                self.is_refusal = not self.pieces
                self.is_full = True
            if not self.is_full:
                self._take(piece)
        self._tell()

    def end(self, trouble: LlmUnavailable | None = None) -> None:
        """Nothing more comes."""
        if trouble is None and not (self.pieces or self.is_refusal):
            trouble = LlmUnavailable("The language model said nothing: the documents are quoted.")
        self.trouble = trouble
        self.is_over = True
        self._tell()

    def told(self) -> Told:
        """Return the whole answer."""
        return Told(tuple(self.pieces), self.is_refusal, self.engine)

    def _take(self, piece: Spoken) -> None:
        left = self.maximum_characters - sum(len(each.text) + 1 for each in self.pieces)
        if len(piece.text) <= left:
            self.pieces.append(piece)
            return
        self.is_full = True
        if not self.pieces:
            text = piece.text[:left].rpartition(" ")[0] or piece.text[:left]
            self.pieces.append(Spoken(text, piece.places, text))

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
