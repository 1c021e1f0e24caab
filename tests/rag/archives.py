"""Makes DOCX, EPUB and PDF files for the reader tests, sound ones and bombs."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>The island book</dc:title></metadata>
<manifest>
<item id="two" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="toc" href="toc.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="cover" href="cover.png" media-type="image/png"/>
</manifest>
<spine><itemref idref="toc"/><itemref idref="one"/><itemref idref="two"/>
<itemref idref="gone"/><itemref idref="cover"/></spine></package>"""
PAGES = {
    "OPS/text/one.xhtml": "<html><body><h1>Boats</h1><p>The boat leaves at nine.</p></body></html>",
    "OPS/text/two b.xhtml": "<html><body><h1>Birds</h1><p>Puffins nest here.</p></body></html>",
    "OPS/toc.xhtml": "<html><body><nav>Boats</nav><p>Contents</p></body></html>",
}


def make_archive(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_epub(path: Path, **more: str | bytes) -> Path:
    members = {"META-INF/container.xml": CONTAINER, "OPS/book.opf": PACKAGE, **PAGES}
    return make_archive(
        path, {**members, **{name.replace("|", "/"): c for name, c in more.items()}}
    )


def make_bomb(path: Path, zeros: int) -> Path:
    """An archive of one member of that many zeros, which packs a thousand times."""
    return make_archive(path, {"word/document.xml": bytes(zeros)})


def make_endless_pdf(path: Path) -> Path:
    """A sound PDF of 60 pages with 100,000 drawing commands each: minutes of parsing.

    Fewer than at which pypdf itself gives a page up.
    """
    content = b"BT /F1 12 Tf " + b"1 0 0 1 10 10 Tm (a) Tj " * 100_000 + b"ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count 60>>" % (b"3 0 R " * 60),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    ]
    pdf = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj %s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(pdf)
    pdf += b"xref\n0 5\n0000000000 65535 f \n" + table
    pdf += b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start
    path.write_bytes(pdf)
    return path
