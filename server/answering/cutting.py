"""Cuts a streamed answer into what is spoken piece by piece, with the passages that it cites.

Pure: text in as it comes, pieces out as soon as they are whole. The first piece may be a clause, so
that sound starts sooner. It judges neither the text nor what is cited.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from models.speakable import first_clause, split_sentences
from server.speaking.saying import LONG_FIRST_CHARACTERS, SHORTEST_FIRST_CHARACTERS

_CITATION: Final = re.compile(
    r"[\[【]\s*(P?\d{1,3}(?:\s*[,;]\s*P?\d{1,3})*)\s*[\]】]", re.IGNORECASE
)
_OPEN_CITATION: Final = re.compile(r"[\[【][P\d\s,;]{0,40}$", re.IGNORECASE)
"""What may become a citation once more has come."""
_THOUGHT: Final = ("<think>", "</think>")
"""Endpoints that do not part a model's reasoning from its answer send it first, between these."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One piece to be spoken, and where what it says stands."""

    text: str
    places: tuple[int, ...] = ()
    """Of the cited passages, from 0, in the order they were given to the model; may not exist."""
    sentence: str = ""
    """The whole sentence that the citation is of: the piece, or the clause before it too."""


@dataclass(slots=True)
class Cutter:
    """One answer's. Feed it, then `end` once."""

    _raw: str = ""
    """What came and may still be part of a citation."""
    _text: str = ""
    """Without citations, from the start of the sentence that is not cut yet."""
    _cited: list[tuple[int, int]] = field(default_factory=list)
    """Where in `_text` which place is cited."""
    _head: str = ""
    """The first clause of the sentence, when it was cut off before."""
    _is_first: bool = True
    _is_thinking: bool | None = None
    """None until it is known whether the answer begins with a thought."""

    def feed(self, text: str) -> list[Spoken]:
        """Return the pieces that are whole now."""
        self._raw += text
        if not self._skip_thought():
            return []
        self._take(_OPEN_CITATION.search(self._raw))
        sentences = split_sentences(self._text)
        pieces = [self._cut(one, following) for one, following in pairwise(sentences)]
        return [*pieces, *self._early()]

    def end(self) -> list[Spoken]:
        """Return the rest."""
        if self._is_thinking:
            return []
        self._take(None)
        sentences = split_sentences(self._text)
        return [self._cut(sentence, "") for sentence in sentences]

    def _skip_thought(self) -> bool:
        """Drop the reasoning; False while it goes on, or may be about to begin."""
        opening, closing = _THOUGHT
        if self._is_thinking is None:
            begun = self._raw.lstrip()
            if len(begun) < len(opening) and opening.startswith(begun):
                return False
            self._is_thinking = begun.startswith(opening)
        if self._is_thinking:
            before, found, after = self._raw.partition(closing)
            self._raw = after if found else before[-len(closing) :]
            self._is_thinking = not found
        return not self._is_thinking

    def _take(self, unsure: re.Match[str] | None) -> None:
        """Move what is sure from `_raw` to `_text`."""
        end = unsure.start() if unsure else len(self._raw)
        raw, self._raw = self._raw[:end], self._raw[end:]
        done = 0
        for mark in _CITATION.finditer(raw):
            self._text = (self._text + raw[done : mark.start()]).rstrip(" ")
            places = re.findall(r"\d+", mark[1])
            self._cited += [(len(self._text), int(place) - 1) for place in places]
            done = mark.end()
        self._text += raw[done:]

    def _cut(self, sentence: str, following: str) -> Spoken:
        """Take one sentence off the front, with what is cited up to where the next one begins."""
        end = self._text.find(sentence) + len(sentence)
        start = self._text.find(following, end) if following else len(self._text)
        places = dict.fromkeys(place for at, place in self._cited if at <= start)
        self._cited = [(at - start, place) for at, place in self._cited if at > start]
        self._text = self._text[start:]
        whole = f"{self._head} {sentence}" if self._head else sentence
        self._head, self._is_first = "", False
        return Spoken(sentence, tuple(places), whole)

    def _early(self) -> list[Spoken]:
        """The first clause of a long first sentence, before the sentence is whole."""
        if not self._is_first or self._cited or len(self._text.strip()) <= LONG_FIRST_CHARACTERS:
            return []
        head, rest = first_clause(self._text.strip(), SHORTEST_FIRST_CHARACTERS)
        if not rest:
            return []
        self._is_first = False
        self._head, self._text = head, rest + self._text[len(self._text.rstrip()) :]
        return [Spoken(head)]
