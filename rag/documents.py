"""Reads one file as a document: decodes it and chooses its reader. It walks no folders."""

from collections.abc import Callable
from pathlib import Path

from rag.blocks import Document, DocumentError
from rag.read_html import read_html
from rag.read_markdown import read_markdown
from rag.read_pdf import read_pdf
from rag.read_text import read_text

MAXIMUM_LINE_CHARACTERS = 1_000_000
"""A longer line in a text file is machine output; HTML is exempt, as pages are often one line."""

_TEXT_READERS: dict[str, Callable[[Path, str], Document]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
    ".html": read_html,
    ".htm": read_html,
}
SUPPORTED_SUFFIXES = frozenset({*_TEXT_READERS, ".pdf"})


def read_document(path: Path) -> Document:
    """Read a file of a supported kind. Raises DocumentError with the cause, OSError by the disk."""
    suffix = path.suffix.lower()
    if suffix not in SUPPORTED_SUFFIXES:
        accepted = ", ".join(sorted(SUPPORTED_SUFFIXES))
        raise DocumentError(f"its kind is not supported (accepted: {accepted})")
    if suffix == ".pdf":
        return read_pdf(path)
    text = decode(path.read_bytes())
    if suffix not in (".html", ".htm") and longest_line(text) > MAXIMUM_LINE_CHARACTERS:
        raise DocumentError(f"it has a line of more than {MAXIMUM_LINE_CHARACTERS} characters")
    try:
        return _TEXT_READERS[suffix](path, text)
    except RecursionError:
        raise DocumentError("it is nested too deeply") from None


def decode(content: bytes) -> str:
    """UTF-8, with or without a mark, or UTF-16 with one. Raises DocumentError for anything else."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        raise DocumentError("it is a binary file, not text")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"it is not valid {encoding.removesuffix('-sig').upper()} (byte {error.start}); "
            "save it as UTF-8"
        ) from None


def longest_line(text: str) -> int:
    """The length in characters of the longest line."""
    return max(map(len, text.split("\n")), default=0)
