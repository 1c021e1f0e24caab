"""The sample corpus read the plain way, by its own conventions and not by rag's parsers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pypdf

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES_DIR = REPOSITORY / "rag" / "samples"
HANDBOOK_SOURCE = REPOSITORY / "scripts" / "guest-handbook.md"

MARKDOWN_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
UNDERLINED_HEADING = re.compile(r"^(.+)\n-{4,}$", re.MULTILINE)

Passages = dict[tuple[str, str], str]


def corpus_passages() -> Passages:
    """From (file name, heading) to the text under it, on one line; introductions are left out."""
    passages: Passages = {}
    for path in sorted(SAMPLES_DIR.iterdir()):
        for heading, text in sections(path):
            assert (path.name, heading) not in passages, "a heading occurs twice"
            passages[path.name, heading] = " ".join(text.split())
    return passages


def sections(path: Path) -> list[tuple[str, str]]:
    if path.suffix == ".html":
        return html_sections(path.read_text(encoding="utf-8"))
    if path.suffix == ".pdf":
        return pdf_sections(path)
    heading = MARKDOWN_HEADING if path.suffix == ".md" else UNDERLINED_HEADING
    return split_at(heading, path.read_text(encoding="utf-8"))


def split_at(heading: re.Pattern[str], text: str) -> list[tuple[str, str]]:
    _, *parts = heading.split(text)
    return list(zip(parts[::2], parts[1::2], strict=True))


def html_sections(text: str) -> list[tuple[str, str]]:
    reader = SectionReader()
    reader.feed(text)
    return [(heading, body) for heading, body in reader.sections]


def pdf_sections(path: Path) -> list[tuple[str, str]]:
    """Split at the headings of the text that the PDF was made from."""
    pages = pypdf.PdfReader(path).pages
    text = "\n".join(page.extract_text() for page in pages)
    headings = MARKDOWN_HEADING.findall(HANDBOOK_SOURCE.read_text(encoding="utf-8"))
    return split_at(re.compile(rf"^({'|'.join(map(re.escape, headings))})$", re.MULTILINE), text)


class SectionReader(HTMLParser):
    """Collects h2 headings and the p elements after them, which is all that the samples use."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[list[str]] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag == "h2":
            self.sections.append(["", ""])
        if tag in ("aside", "footer"):
            self._inside = "end"

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self.sections and self._inside in ("h2", "p"):
            self.sections[-1][self._inside == "p"] += data
