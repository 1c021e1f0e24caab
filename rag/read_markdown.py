"""Markdown to blocks through markdown-it-py. Of links the text is kept, not the address."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.blocks import BlockBuilder, Document, tidy_tags
from rag.read_html import html_to_text


def read_markdown(path: Path, text: str) -> Document:
    """Parse CommonMark with tables; a front matter's title wins over the first heading."""
    builder = BlockBuilder()
    front, text = _front_matter(text)
    builder.title, builder.tags = front.title, front.tags
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


@dataclass(frozen=True, slots=True)
class _FrontMatter:
    title: str = ""
    tags: tuple[str, ...] = ()


def _front_matter(text: str) -> tuple[_FrontMatter, str]:
    """What a leading "---" block says and the text after it; the whole text without such a block.

    Tags stand as `tags: a, b`, as `tags: [a, b]` or as lines `- a` below `tags:`.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        return _FrontMatter(), text
    end = next(number for number, line in enumerate(lines[1:], 1) if line.strip() == "---")
    named: dict[str, list[str]] = {}
    name = ""
    for line in lines[1:end]:
        if name and line.lstrip().startswith("- "):
            named[name].append(line.lstrip()[2:])
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not (colon and name.isidentifier()):
            return _FrontMatter(), text
        named[name] = [value]
    title = _unquoted("".join(named.get("title", [])[:1]))
    tags = ",".join(named.get("tags", [])).replace("[", "").replace("]", "").split(",")
    found = _FrontMatter(title, tidy_tags(_unquoted(tag) for tag in tags))
    return found, "\n".join(lines[end + 1 :])


def _unquoted(value: str) -> str:
    return value.strip().strip("\"'")
