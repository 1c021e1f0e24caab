"""The sample corpus and its questions: every question has its passage, and the PDF its source."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path

import pypdf
import pytest

from benchmarks.question_file import (
    SAMPLE_QUESTIONS,
    UNANSWERABLE_QUESTIONS,
    Question,
    QuestionFileError,
    QuestionKind,
    read_questions,
)
from benchmarks.wer import normalise
from tests.benchmarks.corpus import REPOSITORY, SAMPLES_DIR, Passages, corpus_passages

HANDBOOK = SAMPLES_DIR / "guest-handbook.pdf"
PDF_SCRIPT = REPOSITORY / "scripts" / "make_sample_pdf.py"


@pytest.fixture(scope="module")
def passages() -> Passages:
    return corpus_passages()


@pytest.fixture(scope="module")
def answerable() -> list[Question]:
    return read_questions(SAMPLE_QUESTIONS)


@pytest.fixture(scope="module")
def unanswerable() -> list[Question]:
    return read_questions(UNANSWERABLE_QUESTIONS)


def test_corpus_has_every_format() -> None:
    """Markdown, text and HTML several times, and exactly one PDF of several pages."""
    counts = Counter(path.suffix for path in SAMPLES_DIR.iterdir())
    assert counts.keys() == {".md", ".txt", ".html", ".pdf"}
    assert counts[".md"] >= 4
    assert counts[".txt"] >= 2
    assert counts[".html"] >= 2
    assert counts[".pdf"] == 1
    assert len(pypdf.PdfReader(HANDBOOK).pages) >= 2


def test_corpus_has_passages_of_a_size_that_can_be_read_aloud(passages: Passages) -> None:
    """At least 48, each of 40 to 110 words under its own heading."""
    assert len(passages) >= 48
    sizes_words = {place: len(text.split()) for place, text in passages.items()}
    assert {place for place, words in sizes_words.items() if not 40 <= words <= 110} == set()


def test_html_samples_carry_clutter_for_the_parser_to_drop() -> None:
    """Navigation, script and style, none of whose words may reach a passage."""
    for path in SAMPLES_DIR.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert all(f"<{tag}" in text for tag in ("nav", "script", "style", "footer"))


def test_questions_are_enough_and_their_ids_unique(
    answerable: list[Question], unanswerable: list[Question]
) -> None:
    """At least 66 with an answer; 34 without, a dozen of them off the topic."""
    assert len(answerable) >= 66
    kinds = Counter(question.kind for question in unanswerable)
    assert kinds == {QuestionKind.NEAR: 22, QuestionKind.FAR: 12}
    for questions in (answerable, unanswerable):
        assert len({question.id for question in questions}) == len(questions)
        assert len({question.text for question in questions}) == len(questions)


def test_every_question_names_a_passage_that_holds_each_accepted_answer(
    passages: Passages, answerable: list[Question]
) -> None:
    """Literally, but for upper and lower case."""
    for question in answerable:
        passage = passages[question.document, question.heading].lower()
        assert question.answer, question.id
        assert all(part.lower() in passage for part in question.answer), question.id


def test_questions_ask_about_every_document(passages: Passages, answerable: list[Question]) -> None:
    """And about at least 48 different passages."""
    asked = {(question.document, question.heading) for question in answerable}
    assert len(asked) >= 48
    assert {document for document, _ in asked} == {document for document, _ in passages}


def test_unanswerable_questions_name_no_passage(unanswerable: list[Question]) -> None:
    """A document, heading or answer on one of them would be a contradiction."""
    assert all(
        (question.document, question.heading, question.answer) == ("", "", ())
        for question in unanswerable
    )


def test_questions_are_worded_as_they_are_spoken(
    answerable: list[Question], unanswerable: list[Question]
) -> None:
    """5 to 16 lower-case words without digits or marks, so that every voice says the same."""
    for question in answerable:
        assert 5 <= len(question.text.split()) <= 16, question.id
    for question in [*answerable, *unanswerable]:
        assert question.text.replace("'", "").replace(" ", "").isalpha(), question.id
        assert question.text == question.text.lower()


def test_questions_are_not_copied_from_their_passages(
    passages: Passages, answerable: list[Question]
) -> None:
    """In no question do five words stand in a row as they do in its passage."""
    for question in answerable:
        passage = f" {normalise(passages[question.document, question.heading])} "
        words = normalise(question.text).split()
        runs = [" ".join(words[start : start + 5]) for start in range(len(words) - 4)]
        assert not any(f" {run} " in passage for run in runs), question.id


def test_pdf_is_what_the_script_makes(tmp_path: Path) -> None:
    """Byte for byte, so that a rebuilt corpus is the same corpus."""
    made = tmp_path / "handbook.pdf"
    runpy.run_path(str(PDF_SCRIPT))["main"](["--out", str(made)])
    assert made.read_bytes() == HANDBOOK.read_bytes()


def test_pdf_sets_headings_larger_than_text() -> None:
    """As people's PDFs do, for parsers that go by size."""
    sizes_pt: Counter[float] = Counter()

    def count(text: str, *place: object) -> None:
        sizes_pt[float(str(place[-1]))] += len(text.strip())

    for page in pypdf.PdfReader(HANDBOOK).pages:
        page.extract_text(visitor_text=count)
    sizes_pt = +sizes_pt
    body_pt = sizes_pt.most_common(1)[0][0]
    assert len(sizes_pt) == 3
    assert body_pt == min(sizes_pt)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "not json",
        "[]",
        '{"id": 1}',
        '{"id": "x", "q": "how far is it", "kind": "near"}',
        '{"id": 1, "q": "how far is it", "kind": "odd"}',
        '{"id": 1, "q": "how far is it", "document": "a.md", "heading": "A"}',
    ],
)
def test_bad_question_line_is_named_by_file_and_number(tmp_path: Path, line: str) -> None:
    """Its words are not repeated: questions may be private."""
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{{"id": 1, "q": "how far is it", "kind": "far"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(QuestionFileError, match=r"mine\.jsonl:2 is not a question") as raised:
        read_questions(path)
    assert "how far" not in str(raised.value)
