"""Passages are whole sentences under one heading, of like length, and nothing is lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.blocks import Block, Document, tidy
from rag.chunk import TARGET_WORDS, make_passages, pack_sentences
from rag.read_html import read_html
from rag.read_markdown import read_markdown
from rag.read_text import read_text

PATH = Path("/documents/a.txt")


def sentence(length: int) -> str:
    return " ".join(["word"] * (length - 1) + ["end."])


def test_long_section_is_split_evenly() -> None:
    """130 words become two passages of like length, not one full and one crumb."""
    parts = list(pack_sentences([sentence(10)] * 13))
    assert [len(part) for part in parts] in ([6, 7], [7, 6])


@pytest.mark.parametrize("lengths", [[119, 2], [200], [60, 61, 60], [5] * 100, [1]])
def test_passages_respect_the_limit(lengths: list[int]) -> None:
    """No passage of several sentences is longer than the target; order is kept."""
    sentences = [sentence(length) for length in lengths]
    parts = list(pack_sentences(sentences))
    assert [one for part in parts for one in part] == sentences
    for part in parts:
        assert len(part) == 1 or sum(len(one.split()) for one in part) <= TARGET_WORDS


def test_headings_separate_passages() -> None:
    """A source names one heading; blocks under the same heading share a passage."""
    blocks = (
        Block((), ("Hello.",)),
        Block(("A",), ("One.",)),
        Block(("A",), ("Two.",)),
        Block(("A", "B"), ("Three.",)),
    )
    passages = make_passages(Document(PATH, "Guide", blocks))
    assert [(p.heading, p.position, p.text) for p in passages] == [
        ("Guide", 0, "Hello."),
        ("A", 1, "One. Two."),
        ("A, B", 2, "Three."),
    ]
    assert passages[2].embedding_text == "Guide. A. B. Three."


def all_words(text: str) -> list[str]:
    return sorted(tidy(text).split())


@given(st.text(max_size=600))
@settings(max_examples=200, deadline=None)
def test_plain_text_loses_no_word(text: str) -> None:
    """Any text becomes passages whose titles, headings and sentences hold every word of it."""
    document = read_text(PATH, text)
    passages = make_passages(document)
    kept = " ".join([document.title, *(" ".join([*p.headings, p.text]) for p in passages)])
    joined = "".join(mark for mark in kept if mark.isalpha())
    for word in all_words(text):
        letters = "".join(mark for mark in word if mark.isalpha())
        assert letters in joined


MARKDOWN_PIECES = st.sampled_from(
    [
        "\n",
        "\n\n",
        "# ",
        "## ",
        "- ",
        "1. ",
        "> ",
        "    ",
        "| a | b |\n|---|---|\n| c | d |\n",
        "*",
        "**",
        "`",
        "alpha ",
        "beta ",
        "Gamma. ",
        "delta: ",
        "```\n",
        "---\n",
        "<b>",
        "</b>",
    ]
)


@given(st.lists(MARKDOWN_PIECES, max_size=40))
@settings(max_examples=200, deadline=None)
def test_markdown_of_any_shape_keeps_its_words(pieces: list[str]) -> None:
    """However the markup is broken, the words survive it."""
    text = "".join(pieces)
    document = read_markdown(PATH, text)
    passages = make_passages(document)
    kept = " ".join([document.title, *(" ".join([*p.headings, p.text]) for p in passages)]).lower()
    for word in ("alpha", "beta", "gamma", "delta"):
        assert word in kept or word not in text.lower()


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_parses_as_any_format(text: str) -> None:
    """No text makes a reader fail."""
    for read in (read_markdown, read_html, read_text):
        for passage in make_passages(read(PATH, text)):
            assert passage.sentences
            assert all(one.strip() and "\n" not in one for one in passage.sentences)
