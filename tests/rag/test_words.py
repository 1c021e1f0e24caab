"""The words of a question become stems and a query that cannot fail."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.words import (
    MAXIMUM_QUERY_WORDS,
    Beginnings,
    Stemmer,
    alternatives,
    content_words,
    match_query,
    words,
)

SAMPLES = Path(__file__).parents[2] / "rag" / "samples"


@pytest.fixture
def stemmer() -> Iterator[Stemmer]:
    made = Stemmer(capacity=10)
    yield made
    made.close()


def test_words_are_folded_like_fts5() -> None:
    """Case, diacritics and punctuation make no difference."""
    assert words("Café-Öffnung: 9.30, O'Brien_x") == [
        "cafe",
        "offnung",
        "9",
        "30",
        "o",
        "brien",
        "x",
    ]


def test_stop_words_are_left_out_unless_nothing_else_is_there() -> None:
    """A question of stop words alone still asks something."""
    assert content_words("what is the price of the ticket, the ticket") == ["price", "ticket"]
    assert content_words("who are you") == ["who", "are", "you"]


def test_a_long_text_makes_a_short_query() -> None:
    """No text makes a slow query."""
    assert len(content_words(" ".join(f"w{n}" for n in range(1000)))) == MAXIMUM_QUERY_WORDS


def test_numbers_are_asked_for_in_both_spellings() -> None:
    """A recogniser writes "two" where the document has "2", or the other way round."""
    assert alternatives("two") == ("two", "2")
    assert alternatives("12") == ("12", "twelve")
    assert match_query(["bus", "seven"]) == '"bus" OR "seven" OR "7"'


def test_stems_are_those_of_the_index(stemmer: Stemmer) -> None:
    """Inflections of a word share a stem; words beyond the capacity are learned anew."""
    assert stemmer.stems(["ferries", "ferry", "opening", "opened"]) == ["ferri"] * 2 + ["open"] * 2
    many = [f"word{number}" for number in range(25)]
    assert stemmer.stems(many) == many
    assert stemmer.stems([]) == []


def test_stems_from_many_threads(stemmer: Stemmer) -> None:
    """Threads that stem at once get their own answers."""
    results: list[list[str]] = []

    def work(number: int) -> None:
        results.append(stemmer.stems([f"walking{number}"] * 3))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result[0] for result in results) == [f"walking{number}" for number in range(8)]


@given(st.text())
def test_a_query_from_any_text_is_valid(text: str) -> None:
    """FTS5 accepts the query made from any text whatever."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter unicode61')")
        query = match_query(content_words(text))
        if query:
            connection.execute("SELECT * FROM t WHERE t MATCH ?", (query,)).fetchall()
    finally:
        connection.close()


@given(st.lists(st.text(min_size=1), max_size=4))
def test_any_terms_are_quoted(terms: list[str]) -> None:
    """Quotes and operators in a term are text, not syntax."""
    query = match_query([term.replace("\0", "") for term in terms])
    assert query.count('"') % 2 == 0


@settings(deadline=None)
@given(st.text(alphabet="abeingsyd0é", min_size=1, max_size=9))
def test_no_word_is_ruled_out_that_has_the_stem(word: str) -> None:
    """Letters of which Porter's rules make the shortest stems, digits, and a letter that folds."""
    with closing(Stemmer()) as made:
        for spelled in words(word):
            stems = made.stems([spelled])
            assert Beginnings(stems).of([spelled]) == {spelled}


def test_no_word_of_the_samples_is_ruled_out(stemmer: Stemmer) -> None:
    """Each by its own stem; and most words are ruled out by the stem of another."""
    found = sorted({word for path in SAMPLES.glob("*.md") for word in words(path.read_text())})
    made = stemmer.stems(found)
    assert len(found) > 500
    assert all(
        word in Beginnings([stem]).of([word]) for word, stem in zip(found, made, strict=True)
    )
    assert len(Beginnings(["light"]).of(found)) < len(found) / 20
