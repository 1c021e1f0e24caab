"""CSV to blocks: each row becomes a sentence that names its columns. It guesses no types."""

import csv
from pathlib import Path

from rag.blocks import BlockBuilder, Document, DocumentError

_SAMPLE_CHARACTERS = 20_000
_DELIMITERS = ",;\t|"


def read_csv(path: Path, text: str) -> Document:
    """Comma, semicolon, tab or bar may separate. Raises DocumentError for a damaged table."""
    builder = BlockBuilder()
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise DocumentError(f"its rows cannot be read ({error})") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    has_header = bool(rows) and _is_header(rows[0])
    builder.table(rows[0] if has_header else [], rows[1:] if has_header else rows)
    return builder.finish(path)


def _delimiter(text: str) -> str:
    """The one that divides the first lines most often and alike; a comma when none does."""
    lines = [line for line in text[:_SAMPLE_CHARACTERS].splitlines()[:20] if line.strip()]
    least = {mark: min((line.count(mark) for line in lines), default=0) for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda mark: least[mark])
    return best if least[best] else ","


def _is_header(row: list[str]) -> bool:
    """Names: all different, none empty, none a number."""
    names = [cell.strip() for cell in row]
    has_digits_only = any(name.replace(".", "").replace("-", "").isdigit() for name in names)
    return all(names) and len(set(names)) == len(names) and not has_digits_only
