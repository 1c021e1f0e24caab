"""DOCX to blocks through python-docx: headings, paragraphs, lists and tables, no pictures."""

from pathlib import Path

import docx
from docx.document import Document as WordDocument
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml import etree

from rag.blocks import BlockBuilder, Document, DocumentError
from rag.read_archive import ARCHIVE_ERRORS, open_archive

_PARSER_ERRORS = (
    OpcError, etree.LxmlError, *ARCHIVE_ERRORS,
    ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, LookupError,
)  # fmt: skip
"""What python-docx 1.2 raises on damaged files besides its own errors."""


def read_docx(path: Path) -> Document:
    """Raises DocumentError when the file is damaged, encrypted, or a bomb."""
    open_archive(path).close()
    try:
        document = docx.Document(str(path))
        builder = BlockBuilder(title=(document.core_properties.title or "").strip())
        _Walker(builder).walk(document)
    except _PARSER_ERRORS as error:
        raise DocumentError(f"its DOCX cannot be read ({type(error).__name__})") from None
    return builder.finish(path)


class _Walker:
    """Gathers the items of a list until something else follows."""

    def __init__(self, builder: BlockBuilder) -> None:
        self._builder = builder
        self._items: list[str] = []

    def walk(self, document: WordDocument) -> None:
        for part in document.iter_inner_content():
            if isinstance(part, Paragraph):
                self._take_paragraph(part)
            else:
                self._flush()
                _take_table(part, self._builder)
        self._flush()

    def _take_paragraph(self, paragraph: Paragraph) -> None:
        style = (paragraph.style.name or "").lower() if paragraph.style is not None else ""
        if _is_item(paragraph, style):
            self._items.append(paragraph.text)
            return
        self._flush()
        level = _heading_level(style)
        if level:
            self._builder.heading(level, paragraph.text)
        else:
            self._builder.paragraph(paragraph.text)

    def _flush(self) -> None:
        items, self._items = self._items, []
        self._builder.listing(items)


def _heading_level(style: str) -> int:
    """Word keeps the English names of its own styles in every language; 0 for no heading."""
    if style == "title":
        return 1
    name, _, level = style.rpartition(" ")
    return int(level) if name == "heading" and level.isdigit() else 0


def _is_item(paragraph: Paragraph, style: str) -> bool:
    properties = paragraph._p.pPr
    is_numbered = properties is not None and properties.numPr is not None
    return not _heading_level(style) and (is_numbered or style.startswith("list "))


def _take_table(table: Table, builder: BlockBuilder) -> None:
    """The first row names the columns. A cell that spans columns is given once."""
    rows: list[list[str]] = []
    for row in table.rows:
        cells = row.cells
        is_repeated = [n > 0 and cell._tc is cells[n - 1]._tc for n, cell in enumerate(cells)]
        rows.append(
            ["" if again else cell.text for cell, again in zip(cells, is_repeated, strict=True)]
        )
    if rows:
        builder.table(rows[0], rows[1:])
