"""What of an answer was not heard when its connection was lost, to be said on another. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.tts import Speech
from rag.answer import Source
from server.speaking.track import Track


@dataclass(frozen=True, slots=True)
class Unheard:
    """The rest of an answer."""

    pieces: tuple[str, ...]
    """Sentences, the first from the first word that was not heard."""
    sound: Speech | None = None
    """Of the first piece, when it had been made: the very sound that was not heard."""
    sources: tuple[Source, ...] = ()


@dataclass(slots=True)
class CutAnswer:
    """An answer whose connection was lost: how far it was heard, and all that was to be said."""

    item_id: str
    track: Track
    pieces: Sequence[str]
    heard_sample: int
    sources: tuple[Source, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What keeping it costs."""
        return 2 * self.track.words.samples + sum(4 * len(piece) for piece in self.pieces)

    def unheard(self, heard_ms: int | None = None) -> Unheard | None:
        """Return what to say; None when all was heard. `heard_ms` is the client's own word."""
        heard = self.heard_sample if heard_ms is None else self.track.sample_at(heard_ms)
        begun = self.track.words.count
        for number in range(begun):
            words, first_sample = self.track.words.after(number, heard)
            if words:
                sound = self.track.cut_from(number, first_sample)
                return Unheard((words, *self.pieces[number + 1 :]), sound, self.sources)
        rest = tuple(self.pieces[begun:])
        return Unheard(rest, None, self.sources) if rest else None
