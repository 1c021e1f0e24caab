"""Markdown to blocks through markdown-it-py. Of links the text is kept, not the address."""

from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.blocks import BlockBuilder, Document
from rag.read_html import html_to_text


def read_markdown(path: Path, text: str) -> Document:
    """Parse CommonMark with tables; a front matter's title wins over the first heading."""
    builder = BlockBuilder()
    title, text = _front_matter(text)
    builder.title = title
    tokens = iter(MarkdownIt("commonmark").enable("table").parse(text))
    for token in tokens:
        _take(token, tokens, builder)
    return builder.finish(path)


def _take(token: Token, tokens: Iterator[Token], builder: BlockBuilder) -> None:
    if token.type == "heading_open":
        builder.heading(int(token.tag[1:]), _inline_text(next(tokens)))
    elif token.type == "inline":
        builder.paragraph(_inline_text(token))
    elif token.type in ("fence", "code_block"):
        builder.paragraph(token.content)
    elif token.type == "html_block":
        builder.paragraph(html_to_text(token.content))
    elif token.type in ("bullet_list_open", "ordered_list_open"):
        builder.listing(_list_items(tokens))
    elif token.type == "table_open":
        rows = _table_rows(tokens)
        builder.table(rows[0] if rows else [], rows[1:])


def _list_items(tokens: Iterator[Token]) -> list[str]:
    """Every item of the list and of the lists in it, in order; an item's paragraphs are joined."""
    items: list[str] = []
    depth = 1
    for token in tokens:
        if token.type.endswith("_list_open"):
            depth += 1
        elif token.type.endswith("_list_close"):
            depth -= 1
        elif token.type == "list_item_open":
            items.append("")
        elif token.type in ("inline", "fence", "code_block", "html_block"):
            items[-1] = f"{items[-1]} {_any_text(token)}".strip()
        if depth == 0:
            break
    return items


def _table_rows(tokens: Iterator[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline_text(token))
        elif token.type == "table_close":
            break
    return rows


def _any_text(token: Token) -> str:
    if token.type == "inline":
        return _inline_text(token)
    return html_to_text(token.content) if token.type == "html_block" else token.content


def _inline_text(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type != "html_inline":
            parts.append(child.content)
    return "".join(parts)


def _front_matter(text: str) -> tuple[str, str]:
    """The title of a leading "---" block and the text after it; ("", text) where there is none."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        return "", text
    end = next(number for number, line in enumerate(lines[1:], 1) if line.strip() == "---")
    fields = [line.partition(":") for line in lines[1:end]]
    if not all(colon and name.strip().isidentifier() for name, colon, _ in fields):
        return "", text
    named = {name.strip().lower(): value.strip().strip("\"'") for name, _, value in fields}
    return named.get("title", ""), "\n".join(lines[end + 1 :])
