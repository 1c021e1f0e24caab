"""The sound of one answer, sentence after sentence, and how far it was sent. It sends none."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.tts import Speech
from server.speaking.heard import HeardWords

FADE_MS = 5
"""Where sound is cut or goes on mid-word: without a fade it clicks."""

Chunk = NDArray[np.int16]


@dataclass(slots=True)
class Track:
    """All sentences begun so far, at one rate. It shares their samples with the cache."""

    rate_hz: int
    position: int = 0
    """Samples sent, or where a listener who heard less goes on."""
    sent: int = 0
    """Samples sent since the start or the last rewind."""
    words: HeardWords = field(default_factory=HeardWords)
    _pieces: list[Chunk] = field(default_factory=list)
    _fades_in: bool = False

    def add(self, sentence: str, speech: Speech) -> None:
        """Append a sentence."""
        self.words.add(sentence, len(speech.samples), speech.word_ends)
        self._pieces.append(speech.samples)

    @property
    def last_ends_ms(self) -> tuple[int, ...]:
        """Where each word of the last sentence ends, in milliseconds of the whole answer."""
        return tuple(round(1000 * end / self.rate_hz) for end in self.words.last_ends)

    @property
    def left(self) -> int:
        """Samples that were not sent yet."""
        return self.words.samples - self.position

    def cut_from(self, number: int, sample: int) -> Speech:
        """Return a sentence's sound from that sample of it, faded in, with its words' ends."""
        chunk = self._pieces[number][sample:]
        ends = tuple(end - sample for end in self.words.ends_of(number) if end > sample)
        faded = _ramped(chunk, self._fade_samples) if sample else chunk
        return Speech(faded, self.rate_hz, "", ends)

    def take(self, samples: int) -> Chunk:
        """Return the next samples, fewer at the end; faded in after a cut."""
        chunk = self._advance(samples)
        if self._fades_in and len(chunk):
            self._fades_in = False
            chunk = _ramped(chunk, self._fade_samples)
        return chunk

    def fade_out(self) -> Chunk:
        """Return the last FADE_MS before a cut; empty between sentences, where all is silent."""
        if self._fades_in or self.position == 0:
            return self._at(0, 0)
        chunk = self._advance(self._fade_samples)
        self._fades_in = len(chunk) > 0
        return _ramped(chunk[::-1], self._fade_samples)[::-1]

    def rewind(self, sample: int) -> None:
        """Go on from there, which is not behind what was sent."""
        self.position = min(self.position, sample)
        self.sent = 0
        self._fades_in = True

    def forget_sound(self) -> None:
        """Keep the words and their ends alone: 10 s of sound are 441 kB that no cache may share."""
        self._pieces.clear()

    def heard(self, unplayed: int) -> int:
        """Return how far a listener is who has not played that much of what was sent."""
        return self.position - min(max(0, unplayed), self.sent)

    def sample_at(self, milliseconds: int) -> int:
        """Return the sample at that time."""
        return milliseconds * self.rate_hz // 1000

    @property
    def sent_ms(self) -> int:
        """Milliseconds sent, rounded up."""
        return -(-self.position * 1000 // self.rate_hz)

    @property
    def _fade_samples(self) -> int:
        return max(1, self.rate_hz * FADE_MS // 1000)

    def _advance(self, samples: int) -> Chunk:
        chunk = self._at(self.position, samples)
        self.position += len(chunk)
        self.sent += len(chunk)
        return chunk

    def _at(self, start: int, samples: int) -> Chunk:
        passed = 0
        for piece in self._pieces:
            if start < passed + len(piece):
                return piece[start - passed : start - passed + samples]
            passed += len(piece)
        return np.zeros(0, np.int16)


def _ramped(chunk: Chunk, fade_samples: int) -> Chunk:
    length = min(len(chunk), fade_samples)
    ramped = chunk.copy()
    ramp = np.linspace(0, 1, length, endpoint=False)
    ramped[:length] = np.rint(chunk[:length] * ramp).astype(np.int16)
    return ramped
