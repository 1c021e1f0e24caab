"""HTML to blocks through Beautiful Soup and html.parser. Nothing is fetched or run."""

from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from rag.blocks import BlockBuilder, Document, DocumentError

_DROPPED = frozenset(
    {"script", "style", "nav", "noscript", "template", "svg", "math", "iframe", "object", "form"}
    | {"button", "select", "head", "canvas"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE_NAMES = """
a abbr b bdi bdo big cite code data del dfn em font i img ins kbd label mark q s samp small span
strong sub sup time tt u var wbr
"""
_INLINE = frozenset(_INLINE_NAMES.split())


def read_html(path: Path, text: str) -> Document:
    """Keep headings, paragraphs, lists and tables; drop navigation, scripts, styles and forms.

    Raises DocumentError when the elements are nested too deeply to follow.
    """
    builder = BlockBuilder()
    page_title = take_html(text, builder)
    builder.title = builder.title or page_title
    return builder.finish(path)


def take_html(text: str, builder: BlockBuilder) -> str:
    """Give the builder one page's blocks; the page's <title>, or "". Raises DocumentError."""
    try:
        soup = _parse(text)
        _Walker(builder).walk(_main_part(soup))
        return soup.title.get_text(" ").strip() if soup.title is not None else ""
    except RecursionError:
        raise DocumentError("its HTML elements are nested too deeply") from None


def html_to_text(text: str) -> str:
    """The words of a fragment without its markup, scripts and styles."""
    try:
        return _plain_text(_parse(text))
    except RecursionError:
        raise DocumentError("its HTML elements are nested too deeply") from None


def _parse(text: str) -> BeautifulSoup:
    """The empty comment keeps Beautiful Soup from warning that a short text may be a file name."""
    return BeautifulSoup(f"<!---->{text}", "html.parser")


def _main_part(soup: BeautifulSoup) -> Tag:
    """The page's one <main>, where it has one: what stands outside is banners and links."""
    found = soup.find_all("main")
    return found[0] if len(found) == 1 else soup


class _Walker:
    """Walks the elements in order and gathers loose inline text until a block ends it."""

    def __init__(self, builder: BlockBuilder) -> None:
        self._builder = builder
        self._loose: list[str] = []

    def walk(self, parent: Tag) -> None:
        for child in parent.children:
            self._take(child)
        if parent.name not in _INLINE:
            self._flush()

    def _take(self, child: PageElement) -> None:
        if isinstance(child, NavigableString):
            if not isinstance(child, PreformattedString):
                self._loose.append(str(child))
        elif isinstance(child, Tag) and not _is_dropped(child):
            self._take_tag(child)

    def _take_tag(self, tag: Tag) -> None:
        if tag.name in _INLINE:
            self.walk(tag)
            return
        if tag.name == "br":
            self._loose.append(" ")
            return
        self._flush()
        if tag.name in _HEADINGS:
            self._builder.heading(_HEADINGS[tag.name], _plain_text(tag))
        elif tag.name in ("ul", "ol"):
            self._builder.listing(_list_items(tag))
        elif tag.name == "table":
            _take_table(tag, self._builder)
        elif tag.name == "dl":
            self._builder.listing(_definitions(tag))
        else:
            self.walk(tag)

    def _flush(self) -> None:
        text, self._loose = "".join(self._loose), []
        self._builder.paragraph(text)


def _is_dropped(tag: Tag) -> bool:
    """A page's banner and foot are dropped too, unless they carry a heading."""
    if tag.name in ("header", "footer"):
        return tag.find(list(_HEADINGS)) is None
    return tag.name in _DROPPED


def _plain_text(parent: Tag, leave_out: frozenset[str] = frozenset()) -> str:
    parts: list[str] = []
    for child in parent.children:
        if isinstance(child, NavigableString):
            parts.append("" if isinstance(child, PreformattedString) else str(child))
        elif isinstance(child, Tag) and not _is_dropped(child) and child.name not in leave_out:
            inner = _plain_text(child, leave_out)
            parts.append(inner if child.name in _INLINE else f" {inner} ")
    return "".join(parts)


def _list_items(listing: Tag) -> list[str]:
    """The items in order, those of inner lists after the item that holds them; loose text too."""
    items: list[str] = []
    for child in listing.children:
        if isinstance(child, NavigableString):
            items.append("" if isinstance(child, PreformattedString) else str(child))
        elif isinstance(child, Tag) and child.name in ("ul", "ol"):
            items.extend(_list_items(child))
        elif isinstance(child, Tag) and not _is_dropped(child):
            items.append(_plain_text(child, frozenset({"ul", "ol"})))
            for inner in child.find_all(["ul", "ol"]):
                if inner.find_parent(["ul", "ol"]) is listing:
                    items.extend(_list_items(inner))
    return items


def _definitions(listing: Tag) -> list[str]:
    """A term and what follows it make one item: "Quay: where the boats lie"."""
    items: list[str] = []
    is_after_term = False
    for child in listing.find_all(["dt", "dd"]):
        text = _plain_text(child)
        if child.name == "dd" and is_after_term:
            items[-1] = f"{items[-1].strip()}: {text.strip()}"
        else:
            items.append(text)
        is_after_term = child.name == "dt"
    return items


def _take_table(table: Tag, builder: BlockBuilder) -> None:
    caption = table.find("caption")
    if isinstance(caption, Tag):
        builder.paragraph(_plain_text(caption))
    rows = [
        [_plain_text(cell) for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")
    ]
    rows = [row for row in rows if row]
    first = table.find("tr")
    has_header = isinstance(first, Tag) and first.find("td") is None
    builder.table(rows[0] if rows and has_header else [], rows[1:] if has_header else rows)
