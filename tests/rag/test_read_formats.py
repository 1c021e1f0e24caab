"""DOCX, CSV and EPUB give the headings and sentences that a reader sees; bombs give an error."""

import zipfile
from pathlib import Path

import docx
import pytest

from rag.blocks import Document, DocumentError
from rag.documents import read_document
from rag.read_archive import MAXIMUM_ARCHIVE_BYTES, MAXIMUM_MEMBERS, check_members
from rag.read_csv import read_csv
from rag.read_markdown import read_markdown
from tests.rag.archives import PACKAGE, make_archive, make_bomb, make_epub


def shape(document: Document) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(block.headings, block.sentences) for block in document.blocks]


def test_docx_headings_lists_and_tables(tmp_path: Path) -> None:
    """Word's heading styles make the path; lists and tables become sentences in their places."""
    made = docx.Document()
    made.add_heading("The handbook", 0)
    made.add_paragraph("It is short.")
    made.add_heading("Arrival", 1)
    made.add_paragraph("Bring:")
    made.add_paragraph("a hat", style="List Bullet")
    made.add_paragraph("water", style="List Bullet")
    made.add_heading("Fares", 2)
    table = made.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Ticket", "Price", "Adult", "8 euros"], strict=True):
        cell.text = text
    made.add_paragraph("That is all.")
    made.save(str(tmp_path / "a.docx"))
    document = read_document(tmp_path / "a.docx")
    assert document.title == "The handbook"
    assert shape(document) == [
        ((), ("It is short.",)),
        (("Arrival",), ("Bring: a hat and water.",)),
        (("Arrival", "Fares"), ("Ticket Adult: price 8 euros.",)),
        (("Arrival", "Fares"), ("That is all.",)),
    ]


def test_docx_title_from_its_properties(tmp_path: Path) -> None:
    """What the file says of itself wins over its name."""
    made = docx.Document()
    made.core_properties.title = "Boats"
    made.add_paragraph("The boat leaves.")
    made.save(str(tmp_path / "a.docx"))
    assert read_document(tmp_path / "a.docx").title == "Boats"


def test_merged_cells_are_said_once(tmp_path: Path) -> None:
    """A cell that spans columns is not repeated for each."""
    made = docx.Document()
    table = made.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Day", "Hours", "", ""], strict=True):
        cell.text = text
    table.cell(1, 0).merge(table.cell(1, 1)).text = "Closed in winter"
    made.save(str(tmp_path / "a.docx"))
    assert shape(read_document(tmp_path / "a.docx")) == [((), ("Day Closed in winter.",))]


def test_epub_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    """Pages in reading order with their headings, without the table of contents."""
    document = read_document(make_epub(tmp_path / "a.epub"))
    assert document.title == "The island book"
    assert shape(document) == [
        (("Boats",), ("The boat leaves at nine.",)),
        (("Birds",), ("Puffins nest here.",)),
    ]


def test_epub_reads_nothing_outside_itself(tmp_path: Path) -> None:
    """A page that points out of the archive is missing, whatever lies there on the disk."""
    (tmp_path / "secret.xhtml").write_text("<p>secret</p>")
    package = PACKAGE.replace("text/one.xhtml", f"../../../../../..{tmp_path}/secret.xhtml")
    path = make_epub(tmp_path / "a.epub", **{"OPS|book.opf": package})
    with pytest.raises(DocumentError, match="lacks a part"):
        read_document(path)


def test_epub_entities_are_not_expanded(tmp_path: Path) -> None:
    """A billion laughs in the book's own description is refused."""
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol" * 10}">' for n in range(10)
    )
    package = PACKAGE.replace(
        '<?xml version="1.0"?>', f'<?xml version="1.0"?><!DOCTYPE package [{entities}]>'
    ).replace("The island book", "&e9;")
    path = make_epub(tmp_path / "a.epub", **{"OPS|book.opf": package})
    with pytest.raises(DocumentError, match="XML is damaged"):
        read_document(path)


def test_protected_epub_says_so(tmp_path: Path) -> None:
    """A book whose pages are locked is refused; scrambled fonts do no harm."""
    listing = (
        '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#">'
        '<e:CipherReference URI="{}"/></encryption>'
    )
    locked = {"META-INF|encryption.xml": listing.format("OPS/text/one.xhtml")}
    with pytest.raises(DocumentError, match="protected"):
        read_document(make_epub(tmp_path / "a.epub", **locked))
    fonts = {"META-INF|encryption.xml": listing.format("OPS/font.otf")}
    assert read_document(make_epub(tmp_path / "b.epub", **fonts)).blocks


@pytest.mark.parametrize("suffix", ["docx", "epub"])
def test_zip_bombs_are_refused(tmp_path: Path, suffix: str) -> None:
    """One member that swells, and a member beyond the limit, before either is unpacked."""
    with pytest.raises(DocumentError, match="over 200 times"):
        read_document(make_bomb(tmp_path / f"ratio.{suffix}", 40_000_000))
    with pytest.raises(DocumentError, match="more than 50000000 bytes"):
        read_document(make_bomb(tmp_path / f"member.{suffix}", 60_000_000))


def test_archives_of_too_much_or_too_many_are_refused() -> None:
    """Many members below the limit of one are still one file."""
    half = zipfile.ZipInfo("a")
    half.file_size = half.compress_size = MAXIMUM_ARCHIVE_BYTES // 5 + 1
    with pytest.raises(DocumentError, match="unpack to more than 200000000"):
        check_members([half] * 5)
    with pytest.raises(DocumentError, match="more than 10000 members"):
        check_members([zipfile.ZipInfo("a")] * (MAXIMUM_MEMBERS + 1))


def test_member_that_is_larger_than_its_archive_says(tmp_path: Path) -> None:
    """A list that lies about a size does not get more than it says."""
    path = make_epub(tmp_path / "a.epub")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("OPS/book.opf").file_size
    true, lie = size.to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert true in content
    path.write_bytes(content.replace(true, lie))
    with pytest.raises(DocumentError):
        read_document(path)


@pytest.mark.parametrize("suffix", ["docx", "epub"])
@pytest.mark.parametrize("content", [b"", b"PK\3\4 rubbish", b"\0" * 100])
def test_damaged_archives_are_a_clear_error(tmp_path: Path, suffix: str, content: bytes) -> None:
    """Whatever the parsers raise, the caller sees one documented error."""
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match="archive cannot be read"):
        read_document(path)
    with pytest.raises(DocumentError):
        read_document(make_archive(path, {"other.txt": "words"}))


@pytest.mark.parametrize("suffix", ["docx", "epub"])
def test_cut_and_flipped_archives_never_raise_anything_else(tmp_path: Path, suffix: str) -> None:
    """A sound file cut or changed at any place is read or refused."""
    path = tmp_path / f"a.{suffix}"
    if suffix == "epub":
        make_epub(path)
    else:
        made = docx.Document()
        made.add_paragraph("Some words.")
        made.save(str(path))
    content = path.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 30)):
        for damaged in (content[:place], content[:place] + b"\xff" + content[place + 1 :]):
            path.write_bytes(damaged)
            try:
                read_document(path)
            except DocumentError:
                continue


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_rows_are_sentences(tmp_path: Path, separator: str) -> None:
    """Each row names its columns, whatever separates them; quoted separators are text."""
    rows = [["Ticket", "Price", "Note"], ["Adult", "8 euros", '"hat, red"'], ["Child", "4", "x"]]
    text = "\r\n".join(separator.join(row) for row in rows)
    document = read_csv(tmp_path / "fare_table.csv", text)
    assert document.title == "fare table"
    assert shape(document) == [
        ((), ("Ticket Adult: price 8 euros, note hat, red.", "Ticket Child: price 4, note x."))
    ]


def test_csv_without_a_header(tmp_path: Path) -> None:
    """A first row of numbers or of gaps is a row like the others."""
    assert shape(read_csv(tmp_path / "a.csv", "Monday,9\nTuesday,10\n\n")) == [
        ((), ("Monday: 9.", "Tuesday: 10."))
    ]
    assert read_csv(tmp_path / "a.csv", "").blocks == ()
    with pytest.raises(DocumentError, match="rows cannot be read"):
        read_csv(tmp_path / "a.csv", "a,b\n" + "x" * 200_000)


@pytest.mark.parametrize(
    "lines",
    ["tags: Boats, 'sea side'", "tags: [boats, Sea  Side]", 'tags:\n  - boats\n  - "sea side"'],
)
def test_markdown_tags_from_front_matter(tmp_path: Path, lines: str) -> None:
    """In the three ways that people write them, in one form."""
    document = read_markdown(tmp_path / "a.md", f"---\ntitle: T\n{lines}\n---\n\nWords.")
    assert (document.title, document.tags) == ("T", ("boats", "sea side"))
    assert read_markdown(tmp_path / "a.md", "---\ntitle: T\n---\nWords.").tags == ()
