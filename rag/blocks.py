"""What a document is once its file format is gone: blocks of sentences. It reads no files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rag.sentences import split_sentences

MAXIMUM_JOINED_WORDS = 60
"""A list introduced by "...:" is read as one sentence up to this length, else item by item."""

Row = list[str]


class DocumentError(Exception):
    """A file cannot be read as a document; the text tells its owner why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive sentences under one heading path; the path leaves out the document's title."""

    headings: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A read document. `blocks` are in reading order; two neighbours may share a heading path.

    `tags` are those that the file itself names: see tidy_tags().
    """

    path: Path
    title: str
    blocks: tuple[Block, ...]
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class BlockBuilder:
    """Takes headings, paragraphs, lists and tables in reading order and makes sentences of them."""

    title: str = ""
    tags: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    _levels: list[tuple[int, str]] = field(default_factory=list)
    _heading_is_bare: bool = False
    _introduction: str = ""

    def heading(self, level: int, text: str) -> None:
        """The first heading of level 1 becomes the title where none is known yet."""
        text = tidy(text)
        if not text:
            return
        self._settle(next_level=level)
        if level == 1 and not self._levels and self.title in ("", text):
            self.title = text
            return
        self._levels = [entry for entry in self._levels if entry[0] < level]
        self._levels.append((level, text))
        self._heading_is_bare = True

    def paragraph(self, text: str) -> None:
        """A paragraph that ends with a colon waits for the list that it introduces."""
        text = tidy(text)
        if not text:
            return
        self._settle_introduction()
        sentences = split_sentences(text)
        if text.endswith(":"):
            self._introduction = sentences.pop()
        self._add(sentences)

    def listing(self, items: list[str]) -> None:
        """Short items join their introduction as one sentence; long ones stay sentences."""
        items = [item for item in (tidy(item) for item in items) if item]
        if not items:
            return
        joined = join_items(self._introduction, items) if self._introduction else ""
        if joined and len(split_sentences(joined)) == 1:
            self._introduction = ""
            self._add([joined])
            return
        self._settle_introduction()
        self._add([sentence for item in items for sentence in split_sentences(closed(item))])

    def table(self, header: Row, rows: list[Row]) -> None:
        """Each row becomes a sentence that names its columns."""
        self._settle_introduction()
        spoken = [
            row_sentence([tidy(cell) for cell in header], [tidy(c) for c in row]) for row in rows
        ]
        if not rows:
            spoken = [closed(", ".join(cell for cell in header if cell))] if any(header) else []
        self._add([piece for sentence in spoken for piece in split_sentences(sentence)])

    def finish(self, path: Path) -> Document:
        """The document's title falls back to its file name without the ending."""
        self._settle()
        title = self.title or tidy(path.stem.replace("_", " ").replace("-", " ")) or path.name
        return Document(path, title, tuple(self.blocks), self.tags)

    def _settle(self, next_level: int = 0) -> None:
        """A heading with nothing under it becomes its own text, so that its words can be found."""
        self._settle_introduction()
        if self._heading_is_bare and next_level <= self._levels[-1][0]:
            self._add([self._levels[-1][1]])

    def _settle_introduction(self) -> None:
        if self._introduction:
            introduction, self._introduction = self._introduction, ""
            self._add([introduction])

    def _add(self, sentences: list[str]) -> None:
        if sentences:
            self._heading_is_bare = False
            headings = tuple(text for _, text in self._levels)
            self.blocks.append(Block(headings, tuple(sentences)))


def tidy(text: str) -> str:
    """White space and control characters become single spaces; lone surrogates are replaced."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """In lower case, without commas, each once, sorted: as filters compare them."""
    return tuple(sorted({tidy(tag.replace(",", " ")).lower() for tag in tags} - {""}))


def closed(text: str) -> str:
    """The text with a full stop unless an end mark already closes it."""
    text = text.rstrip(" ,;:")
    return text if not text or text[-1] in ".!?…" else text + "."


def join_items(introduction: str, items: list[str]) -> str:
    """From "Bring:" and its items make "Bring: a hat and water."; "" when it gets too long."""
    parts = [item.rstrip(" ,;.") for item in items]
    if any("." in part and len(split_sentences(part)) > 1 for part in parts):
        return ""
    ending = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    if any("," in part for part in parts):
        ending = "; ".join(parts)
    sentence = closed(f"{introduction} {ending}")
    return sentence if len(sentence.split()) <= MAXIMUM_JOINED_WORDS else ""


def row_sentence(header: Row, row: Row) -> str:
    """From Ticket, Price over Adult, 8 euros make "Ticket Adult: price 8 euros."."""
    names = [*header, *[""] * max(0, len(row) - len(header))]
    cells = [_named(name, cell) for name, cell in zip(names, row, strict=False) if cell]
    if not cells:
        return ""
    first = f"{names[0]} {row[0]}".strip() if row[0] else ""
    rest = ", ".join(cells[1:] if row[0] else cells)
    return closed(f"{first}: {rest}" if first and rest else first or rest)


def _named(name: str, cell: str) -> str:
    lowered = name if name.isupper() else name[:1].lower() + name[1:]
    return f"{lowered} {cell}".strip()
