"""PDF to blocks through pypdf, page by page. It reads text only: scanned pages give none."""

import logging
import re
import struct
import zlib
from pathlib import Path

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from rag.blocks import BlockBuilder, Document, DocumentError
from rag.read_text import looks_like_heading

MAXIMUM_PAGES = 2_000
MAXIMUM_CHARACTERS = 10_000_000
"""About 4,000 dense pages; more from one file is a bomb or no document for speaking from."""

_PARSER_ERRORS = (
    PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError,
    ArithmeticError, NotImplementedError, RecursionError, struct.error, zlib.error, OSError,
)  # fmt: skip
"""What pypdf 5 to 7 raises on damaged files besides its own errors."""


def read_pdf(path: Path) -> Document:
    """Raises DocumentError when the file is damaged, encrypted, too long or holds no text."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        title, pages = _pages(path)
    except _PARSER_ERRORS as error:
        raise DocumentError(f"its PDF cannot be read ({type(error).__name__})") from None
    lines_of_pages = [
        [line.strip() for line in page.splitlines() if line.strip()] for page in pages
    ]
    if not any(lines_of_pages):
        raise DocumentError("it holds no text (scanned pages need character recognition first)")
    builder = BlockBuilder(title=title)
    _take_lines(_without_running_lines(lines_of_pages), builder)
    return builder.finish(path)


def _pages(path: Path) -> tuple[str, list[str]]:
    with PdfReader(path) as reader:
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError("it is encrypted; save a copy without a password")
        if len(reader.pages) > MAXIMUM_PAGES:
            raise DocumentError(f"it has more than {MAXIMUM_PAGES} pages; split it")
        title = str(reader.metadata.title or "") if reader.metadata else ""
        pages: list[str] = []
        for page in reader.pages:
            pages.append(page.extract_text())
            if sum(map(len, pages)) > MAXIMUM_CHARACTERS:
                raise DocumentError(f"it holds more than {MAXIMUM_CHARACTERS} characters; split it")
    return title.strip(), pages


def _without_running_lines(pages: list[list[str]]) -> list[str]:
    """All lines, less page numbers and the head and foot lines that most pages repeat."""
    edges = [_unnumbered(line) for page in pages for line in {*page[:1], *page[-1:]}]
    repeated = {edge for edge in edges if len(pages) > 2 and edges.count(edge) > len(pages) / 2}
    kept: list[str] = []
    for page in pages:
        for number, line in enumerate(page):
            is_edge = number in (0, len(page) - 1)
            if not (is_edge and (line.isdigit() or _unnumbered(line) in repeated)):
                kept.append(line)
    return kept


def _unnumbered(line: str) -> str:
    return re.sub(r"\d+", "#", line)


def _take_lines(lines: list[str], builder: BlockBuilder) -> None:
    paragraph: list[str] = []
    widest = max((len(line) for line in lines), default=0)
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _is_heading(paragraph, line, following, widest):
            builder.paragraph(_joined(paragraph))
            paragraph = []
            builder.heading(2 if number or builder.title else 1, line)
        else:
            paragraph.append(line)
    builder.paragraph(_joined(paragraph))


def _is_heading(before: list[str], line: str, following: str, widest: int) -> bool:
    """Guess: a short line after a closed sentence, followed by a line that begins one."""
    is_after_sentence = not before or before[-1][-1] in ".!?…:\"'”’)"
    begins_sentence = following[:1].isupper() or following[:1].isdigit()
    is_short = len(line) < 0.8 * widest
    return looks_like_heading(line) and is_after_sentence and begins_sentence and is_short


def _joined(lines: list[str]) -> str:
    """Lines as one text; a word hyphenated at a line's end is made whole."""
    return re.sub(r"(?<=[a-z])- (?=[a-z])", "", " ".join(lines))
