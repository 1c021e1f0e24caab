"""Plain text to blocks: paragraphs, lists, and headings guessed from lines that stand alone."""

import re
from pathlib import Path

from rag.blocks import BlockBuilder, Document

MAXIMUM_HEADING_WORDS = 10

_BULLET = re.compile(r"^\s*(?:[-*•‣◦]|\d{1,3}[.)])\s+")
_UNDERLINE = re.compile(r"^\s*(=+|-+|~+)\s*$")


def read_text(path: Path, text: str) -> Document:
    """A heading is underlined, or a short line between blank ones without an end mark."""
    builder = BlockBuilder()
    paragraphs = [part.splitlines() for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))]
    paragraphs = [lines for lines in (_full_lines(part) for part in paragraphs) if lines]
    for number, lines in enumerate(paragraphs):
        is_last = number == len(paragraphs) - 1
        _take_paragraph(lines, builder, is_first=number == 0, is_last=is_last)
    return builder.finish(path)


def _full_lines(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _take_paragraph(lines: list[str], builder: BlockBuilder, is_first: bool, is_last: bool) -> None:
    if len(lines) > 1 and _UNDERLINE.match(lines[1]):
        builder.heading(1 if "=" in lines[1] else 2, lines[0])
        lines = lines[2:]
    elif len(lines) == 1 and not is_last and looks_like_heading(lines[0]):
        builder.heading(1 if is_first else 2, lines[0])
        return
    start = next((n for n, line in enumerate(lines) if _BULLET.match(line)), len(lines))
    builder.paragraph(" ".join(lines[:start]))
    builder.listing(_bullet_items(lines[start:]))


def looks_like_heading(line: str) -> bool:
    """Short, beginning like a title, and without the mark that would end a sentence or clause."""
    line = line.strip()
    starts_well = line[:1].isupper() or line[:1].isdigit()
    has_word = any(mark.isalpha() for mark in line)
    is_short = len(line.split()) <= MAXIMUM_HEADING_WORDS and len(line) <= 80
    return bool(starts_well and has_word and is_short and line[-1] not in ".,;:!…")


def _bullet_items(lines: list[str]) -> list[str]:
    """A line without a bullet goes on with the item before it."""
    items: list[str] = []
    for line in lines:
        marker = _BULLET.match(line)
        if marker:
            items.append(line[marker.end() :] if not marker.group().strip()[0].isdigit() else line)
        else:
            items[-1] = f"{items[-1]} {line.strip()}"
    return items
