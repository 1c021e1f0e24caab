"""Reads one file as a document: chooses its reader and decodes text. It walks no folders.

Readers are imported when first needed, so that who only names kinds loads no parser.
"""

from collections.abc import Callable
from pathlib import Path

from rag.blocks import Document, DocumentError
from rag.decode import decode

MAXIMUM_LINE_CHARACTERS = 1_000_000
"""A longer line in a text file is machine output; HTML is exempt, as pages are often one line."""

_TEXT_SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text", ".csv", ".tsv", ".html", ".htm"})
_BINARY_SUFFIXES = frozenset({".pdf", ".docx", ".epub"})
SUPPORTED_SUFFIXES = _TEXT_SUFFIXES | _BINARY_SUFFIXES


def read_document(path: Path) -> Document:
    """Read a file of a supported kind. Raises DocumentError with the cause, OSError by the disk."""
    suffix = path.suffix.lower()
    if suffix not in SUPPORTED_SUFFIXES:
        accepted = ", ".join(sorted(SUPPORTED_SUFFIXES))
        raise DocumentError(f"its kind is not supported (accepted: {accepted})")
    if suffix in _BINARY_SUFFIXES:
        return _binary_reader(suffix)(path)
    text = decode(path.read_bytes())
    if suffix not in (".html", ".htm") and longest_line(text) > MAXIMUM_LINE_CHARACTERS:
        raise DocumentError(f"it has a line of more than {MAXIMUM_LINE_CHARACTERS} characters")
    try:
        return _text_reader(suffix)(path, text)
    except RecursionError:
        raise DocumentError("it is nested too deeply") from None


def longest_line(text: str) -> int:
    """The length in characters of the longest line."""
    return max(map(len, text.split("\n")), default=0)


def _binary_reader(suffix: str) -> Callable[[Path], Document]:
    if suffix == ".pdf":
        from rag.read_pdf import read_pdf

        return read_pdf
    if suffix == ".docx":
        from rag.read_docx import read_docx

        return read_docx
    from rag.read_epub import read_epub

    return read_epub


def _text_reader(suffix: str) -> Callable[[Path, str], Document]:
    if suffix in (".md", ".markdown"):
        from rag.read_markdown import read_markdown

        return read_markdown
    if suffix in (".html", ".htm"):
        from rag.read_html import read_html

        return read_html
    if suffix in (".csv", ".tsv"):
        from rag.read_csv import read_csv

        return read_csv
    from rag.read_text import read_text

    return read_text
