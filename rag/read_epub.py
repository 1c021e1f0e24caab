"""EPUB to blocks: the book's pages in their order, each through the HTML reader.

Only what the archive holds is read, whatever a page points at.
"""

import posixpath
import zipfile
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from rag.blocks import BlockBuilder, Document, DocumentError
from rag.decode import decode
from rag.read_archive import open_archive, read_member
from rag.read_html import take_html

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(path: Path) -> Document:
    """Raises DocumentError when the file is damaged, protected, or a bomb."""
    with open_archive(path) as archive:
        package_name = _package_name(archive)
        package = _parse(read_member(archive, package_name))
        builder = BlockBuilder(title=_title(package))
        pages = _pages(package, posixpath.dirname(package_name))
        if _ENCRYPTION in archive.namelist() and _is_protected(archive, pages):
            raise DocumentError("it is protected against copying")
        for page in pages:
            take_html(decode(read_member(archive, page)), builder)
    return builder.finish(path)


def _package_name(archive: zipfile.ZipFile) -> str:
    for found in _parse(read_member(archive, _CONTAINER)).iter("{*}rootfile"):
        return str(found.get("full-path", ""))
    raise DocumentError("its container names no book")


def _parse(content: bytes) -> etree._Element:
    """Entities stay unresolved, and lxml's own limits hold."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise DocumentError("its XML is damaged") from None


def _title(package: etree._Element) -> str:
    return next((str(found.text or "").strip() for found in package.iter("{*}title")), "")


def _pages(package: etree._Element, folder: str) -> list[str]:
    """Names in the archive, in the order of the spine, less the table of contents."""
    items = {str(item.get("id")): item for item in package.iter("{*}item")}
    spine = [items.get(str(entry.get("idref"))) for entry in package.iter("{*}itemref")]
    return [
        posixpath.normpath(posixpath.join(folder, unquote(str(item.get("href")))))
        for item in spine
        if item is not None
        and item.get("media-type") in _PAGES
        and "nav" not in str(item.get("properties", "")).split()
    ]


def _is_protected(archive: zipfile.ZipFile, pages: list[str]) -> bool:
    """Fonts are often scrambled, which does no harm; pages are not unless the book is locked."""
    listed = _parse(read_member(archive, _ENCRYPTION))
    locked = {unquote(str(found.get("URI"))) for found in listed.iter("{*}CipherReference")}
    return not locked.isdisjoint(pages)
