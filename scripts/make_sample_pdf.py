"""Makes rag/samples/guest-handbook.pdf from guest-handbook.md; no general Markdown converter."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "guest-handbook.md"
TARGET = HERE.parent / "rag" / "samples" / "guest-handbook.pdf"
MADE_AT = datetime(2025, 1, 1, tzinfo=UTC)
A5_MM = (148.0, 210.0)
SIZES_PT = {"title": 22, "heading": 15, "body": 11}
LARGEST_SECTION_MM = 60
"""A heading and the longest paragraph of the handbook; less room than this starts a new page."""


def blocks(markdown: str) -> list[tuple[str, str]]:
    """Return (kind, text) pairs, kind being a key of SIZES_PT; a paragraph's lines are joined."""
    found: list[tuple[str, str]] = []
    for block in markdown.strip().split("\n\n"):
        text = " ".join(block.split())
        if text.startswith("## "):
            found.append(("heading", text[3:]))
        elif text.startswith("# "):
            found.append(("title", text[2:]))
        else:
            found.append(("body", text))
    return found


def render(markdown: str) -> bytes:
    """Return the PDF, byte for byte the same for the same text.

    Nothing is compressed, since zlib's output differs between builds, and the creation date is
    fixed. A section is never split between pages.
    """
    parts = blocks(markdown)
    document = FPDF(format=A5_MM)
    document.set_compression(False)
    document.set_creation_date(MADE_AT)
    document.set_title(next(text for kind, text in parts if kind == "title"))
    document.set_auto_page_break(auto=True, margin=18)
    document.set_margins(18, 18)
    document.add_page()
    for kind, text in parts:
        _write_block(document, kind, text)
    return bytes(document.output())


def _write_block(document: FPDF, kind: str, text: str) -> None:
    if kind == "heading":
        document.ln(3)
        if document.will_page_break(LARGEST_SECTION_MM):
            document.add_page()
    document.set_font("Helvetica", "" if kind == "body" else "B", SIZES_PT[kind])
    line_height_mm = SIZES_PT[kind] * 0.45
    document.multi_cell(0, line_height_mm, text, align="L", new_x="LMARGIN", new_y="NEXT")
    document.ln(2)


def write_atomically(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one."""
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the PDF; `--out` names another place than the sample folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    write_atomically(options.out, render(options.source.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
