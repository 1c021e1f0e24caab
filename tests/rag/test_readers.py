"""Each file format gives the headings and sentences that a reader sees."""

from pathlib import Path

import pytest
from fpdf import FPDF

from rag.blocks import Block, Document, DocumentError
from rag.decode import decode
from rag.documents import MAXIMUM_LINE_CHARACTERS, read_document
from rag.read_html import html_to_text, read_html
from rag.read_markdown import read_markdown
from rag.read_text import read_text

PATH = Path("/documents/harbour-guide.md")


def shape(document: Document) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(block.headings, block.sentences) for block in document.blocks]


def test_markdown_headings_become_paths() -> None:
    """The first top heading is the title; deeper ones nest, and a heading ends its siblings."""
    document = read_markdown(
        PATH, "# Guide\n\nHi.\n\n## A\n\n### B\n\nOne.\n\n## C\n\nTwo *big* `x`."
    )
    assert document.title == "Guide"
    assert shape(document) == [
        ((), ("Hi.",)),
        (("A", "B"), ("One.",)),
        (("C",), ("Two big x.",)),
    ]


def test_markdown_title_from_front_matter_or_file_name() -> None:
    """Front matter names the document; without it or a top heading the file name does."""
    assert read_markdown(PATH, "---\ntitle: 'Boats'\n---\n\nHi.").title == "Boats"
    assert read_markdown(PATH, "Only text.").title == "harbour guide"
    assert read_markdown(PATH, "---\n\nA rule, no front matter: x.\n\n---").blocks


def test_short_list_joins_its_introduction() -> None:
    """A list after a colon reads as one sentence."""
    document = read_markdown(PATH, "Bring:\n\n- a hat\n- water;\n- a coat.\n")
    assert document.blocks[0].sentences == ("Bring: a hat, water and a coat.",)


def test_long_list_items_are_sentences() -> None:
    """Items that are sentences stay so; nested items follow theirs."""
    document = read_markdown(PATH, "1. Go in. Sit down\n   - Quietly\n2. Wait\n")
    (block,) = document.blocks
    assert block.sentences == ("Go in.", "Sit down.", "Quietly.", "Wait.")


def test_introduction_without_list_is_kept() -> None:
    """A paragraph that ends with a colon is not lost when no list follows."""
    assert shape(read_markdown(PATH, "# T\n\nNote:\n\n## H\n\nEnd:")) == [
        ((), ("Note:",)),
        (("H",), ("End:",)),
    ]


def test_table_rows_become_sentences() -> None:
    """Each row names its columns, so that it can be read aloud alone."""
    rows = "| Adult | 8 euros | |\n| Child | 4 euros | VIP |\n"
    table = "| Ticket | Price | Note |\n|---|---|---|\n" + rows
    (block,) = read_markdown(PATH, table).blocks
    assert block.sentences == (
        "Ticket Adult: price 8 euros.",
        "Ticket Child: price 4 euros, note VIP.",
    )


def test_markdown_drops_markup_but_no_words() -> None:
    """Links, images and inline HTML leave their words; code blocks are text."""
    text = "See [the map](http://x) ![a plan](p.png) <b>now</b>.\n\n"
    text += "<p>Raw words.</p>\n\n```\ncode here\n```"
    sentences = [s for block in read_markdown(PATH, text).blocks for s in block.sentences]
    assert sentences == ["See the map a plan now.", "Raw words.", "code here"]


def test_heading_without_text_is_kept() -> None:
    """A heading with nothing under it is itself something to find."""
    assert shape(read_markdown(PATH, "# T\n\n## Lonely\n\n## Full\n\nText.")) == [
        (("Lonely",), ("Lonely",)),
        (("Full",), ("Text.",)),
    ]


HTML = """<html><head><title>Page title</title><style>p{}</style></head><body>
<nav><a href="/">Home</a></nav><header>Banner</header>
<h1>Visit</h1><p>Open&nbsp;daily.<br>All <b>year</b>.</p>
<h2>Prices</h2><ul><li>Adults pay eight. Always.<ul><li>Less in groups</li></ul></li>
<li>Dogs go free</li></ul>
<table><tr><th>Day</th><th>Hours</th></tr><tr><td>Monday</td><td>nine to five</td></tr></table>
<dl><dt>Quay</dt><dd>where boats lie</dd></dl>loose words
<script>evil()</script><!-- hidden --><footer>Cookies</footer></body></html>"""


def test_html_keeps_content_and_drops_the_rest() -> None:
    """Navigation, banners, scripts, styles and comments are gone; the rest is in order."""
    document = read_html(PATH, HTML)
    assert document.title == "Visit"
    assert shape(document)[0] == ((), ("Open daily.", "All year."))
    assert [s for headings, ss in shape(document)[1:] for s in ss if headings == ("Prices",)] == [
        "Adults pay eight.",
        "Always.",
        "Less in groups.",
        "Dogs go free.",
        "Day Monday: hours nine to five.",
        "Quay: where boats lie.",
        "loose words",
    ]


def test_html_main_part_and_title_element() -> None:
    """With one main element nothing else is read; without a heading the title element names it."""
    page = "<title>T</title><p>Skip to content</p><main><p>Words.</p></main><aside>Buy!</aside>"
    document = read_html(PATH, page)
    assert (document.title, shape(document)) == ("T", [((), ("Words.",))])


def test_deeply_nested_html_is_refused() -> None:
    """A page that would overflow the stack is a clear error."""
    with pytest.raises(DocumentError, match="nested too deeply"):
        read_html(PATH, "<div>" * 5000 + "x")
    assert html_to_text("<i>a</i><script>b</script>").strip() == "a"


def test_text_headings_lists_and_paragraphs() -> None:
    """Underlined and lone short lines are headings; bullets are items; lines join to paragraphs."""
    text = (
        "The Island\n==========\n\nIt is\nsmall.\n\nBirds\n-----\nPuffins nest.\n\n"
        "How to come\n\nTake:\n- the boat\n- or the\n  plane\n\n"
        "A short line that ends here.\n\nNo text below"
    )
    document = read_text(PATH, text)
    assert document.title == "The Island"
    assert shape(document) == [
        ((), ("It is small.",)),
        (("Birds",), ("Puffins nest.",)),
        (("How to come",), ("Take: the boat and or the plane.",)),
        (("How to come",), ("A short line that ends here.",)),
        (("How to come",), ("No text below",)),
    ]


def make_pdf(path: Path, pages: list[list[str]], title: str = "") -> None:
    pdf = FPDF()
    if title:
        pdf.set_title(title)
    pdf.set_font("Helvetica", size=12)
    for lines in pages:
        pdf.add_page()
        for line in lines:
            pdf.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    pdf.output(str(path))


def test_pdf_paragraphs_headings_and_running_lines(tmp_path: Path) -> None:
    """Short lines are headings, page furniture is dropped, hyphenated words are whole."""
    path = tmp_path / "handbook.pdf"
    body = [
        "The boiler stands in the cellar behind the second door on the",
        "left side. It is red.",
    ]
    hyphenated = [
        "Press the black button for three seconds, because a long in-",
        "terval helps. Then wait.",
    ]
    last = "Turn everything off and close all the windows of the house."
    make_pdf(
        path,
        [
            ["Island Trust", "Heating", *body, "1"],
            ["Island Trust", "Hot water", *hyphenated, "2"],
            ["Island Trust", "Before you leave", last, "3"],
        ],
        title="The handbook",
    )
    document = read_document(path)
    assert document.title == "The handbook"
    assert shape(document) == [
        (("Heating",), (" ".join(body).split(". ")[0] + ".", "It is red.")),
        (
            ("Hot water",),
            (
                "Press the black button for three seconds, because a long interval helps.",
                "Then wait.",
            ),
        ),
        (
            ("Before you leave",),
            ("Turn everything off and close all the windows of the house.",),
        ),
    ]


@pytest.mark.parametrize("content", [b"%PDF-1.4 rubbish", b"", b"\0" * 100, b"%PDF-1.7\n%%EOF"])
def test_damaged_pdf_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    """Whatever the parser raises, the caller sees one documented error."""
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match="PDF cannot be read"):
        read_document(path)


def test_cut_pdfs_never_raise_anything_else(tmp_path: Path) -> None:
    """A real PDF cut at any place is read or refused."""
    path = tmp_path / "whole.pdf"
    make_pdf(path, [["Some words that stand here for the test of it."]])
    content = path.read_bytes()
    for end in range(0, len(content), max(1, len(content) // 25)):
        path.write_bytes(content[:end])
        try:
            read_document(path)
        except DocumentError:
            continue


def test_pdf_without_text_says_so(tmp_path: Path) -> None:
    """Scanned pages are named as such."""
    path = tmp_path / "scan.pdf"
    make_pdf(path, [[]])
    with pytest.raises(DocumentError, match="holds no text"):
        read_document(path)


def test_encrypted_pdf_says_so(tmp_path: Path) -> None:
    """A password cannot be guessed."""
    path = tmp_path / "secret.pdf"
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")
    pdf.add_page()
    pdf.output(str(path))
    with pytest.raises(DocumentError, match="encrypted"):
        read_document(path)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"caf\xe9", "not valid UTF-8"),
        (b"\x7fELF\0\0\0", "binary"),
        (b"\xff\xfea", "not valid UTF-16"),
    ],
)
def test_undecodable_text_names_the_cause(content: bytes, cause: str) -> None:
    """Another encoding and binary content are told apart."""
    with pytest.raises(DocumentError, match=cause):
        decode(content)


def test_marked_encodings_are_read() -> None:
    """A byte order mark is understood and dropped."""
    assert decode("é".encode("utf-8-sig")) == "é"
    assert decode("é".encode("utf-16")) == "é"


def test_giant_line_is_refused(tmp_path: Path) -> None:
    """Machine output in a text file is refused; a page in one line is read."""
    line = "word " * (MAXIMUM_LINE_CHARACTERS // 5 + 1)
    for name in ("a.txt", "a.md"):
        (tmp_path / name).write_text(line)
        with pytest.raises(DocumentError, match="line of more than"):
            read_document(tmp_path / name)


def test_unsupported_kind_lists_what_is_accepted(tmp_path: Path) -> None:
    """The message helps."""
    with pytest.raises(DocumentError, match=r"\.md"):
        read_document(tmp_path / "a.odt")


def test_block_is_plain_value() -> None:
    """Blocks compare by content."""
    assert Block(("a",), ("b",)) == Block(("a",), ("b",))
