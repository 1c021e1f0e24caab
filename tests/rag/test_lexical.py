"""The words that FTS5 is asked for select few rows, and the rare ones decide."""

import math
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import lexical
from rag.lexical import (
    RANKED_ROWS,
    TELLING_ROWS,
    LexicalSearch,
    WeightedTerm,
    match_expression,
)
from rag.store import Store
from rag.words import Stemmer
from tests.fakes_rag import WordEmbedder, add_document

TOTAL = 100_000


def weighted(word: str, passages: int) -> WeightedTerm:
    """As LexicalSearch.weigh does it in a store of TOTAL passages."""
    return WeightedTerm(word, frozenset({word}), passages, math.log(1 + TOTAL / (1 + passages)))


def terms(**passages: int) -> list[WeightedTerm]:
    return [weighted(word, count) for word, count in passages.items()]


@pytest.mark.parametrize(
    ("found", "expression"),
    [
        ({}, ""),
        ({"absent": 0}, ""),
        ({"puffin": 3, "nest": 9}, '"puffin" OR "nest"'),
        (
            {"place": 90_000, "nest": 1_500, "puffin": 400, "sea": 60_000},
            '("puffin" OR "nest") AND ("puffin" OR "nest" OR "sea")',
        ),
        ({"sea": 5_000, "place": 30_000, "thing": 95_000}, '("sea") AND ("place")'),
        (
            {"sea": 9_000, "place": 50_000, "thing": 60_000},
            '("sea") AND ("place") AND ("thing")',
        ),
        ({"sea": 30_000, "place": 60_000, "absent": 0}, ""),
        ({"sea": 9_000}, '{title heading} : ("sea")'),
        ({"sea": 2_900}, '"sea"'),
    ],
)
def test_rare_words_select_and_common_ones_rank(found: dict[str, int], expression: str) -> None:
    """Beyond the rows that may be ranked only the next word counts, and only in the ranks.

    Common words select together, as many of them as it takes; where all do not, they say nothing.
    """
    assert match_expression(terms(**found)) == expression


@given(st.lists(st.integers(0, 10**6), max_size=8))
def test_rows_selected_are_bounded(counts: list[int]) -> None:
    """Whatever the words, one telling word or several of few passages select, or two together."""
    made = [weighted(f"w{n}", count) for n, count in enumerate(counts)]
    expression = match_expression(made)
    selecting = expression.partition(" AND ")[0]
    rows = [term.passages for term in made if f'"{term.word}"' in selecting]
    assert sum(rows) <= RANKED_ROWS or len(rows) == 1
    if sum(rows) > TELLING_ROWS and expression:
        assert " AND " in expression or expression.startswith("{title heading}")
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(title, heading, body)")
        if expression:
            connection.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall()
    connection.close()


def test_every_expression_finds_its_rows(
    store: Store, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bounds as low as they go, the passage with the rare word is still first."""
    for number in range(12):
        add_document(store, embedder, f"{number}.md", ["The sea is a place."])
    add_document(store, embedder, "puffin.md", ["The puffin is at sea, a place it likes."])
    search = LexicalSearch(store, Stemmer())
    for ranked, telling in ((1, 20), (1, 5), (20, 20)):
        monkeypatch.setattr(lexical, "RANKED_ROWS", ranked)
        monkeypatch.setattr(lexical, "TELLING_ROWS", telling)
        found = search.search(search.weigh("a puffin in the sea, what place", 13), 5)
        assert found[0] == 13


def test_counts_of_common_words_are_kept_until_the_corpus_has_grown(
    store: Store, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rare word is counted anew each time, a common one when the corpus has changed in size."""
    monkeypatch.setattr(lexical, "COMMON_ROWS", 2)
    search = LexicalSearch(store, Stemmer())
    for number in range(2):
        add_document(store, embedder, f"{number}.md", ["The sea."])
    add_document(store, embedder, "puffin.md", ["A puffin."])
    assert [term.passages for term in search.weigh("sea puffin", 100)] == [2, 1]
    for name in ("more.md", "again.md"):
        add_document(store, embedder, name, ["A puffin at sea."])
    assert [term.passages for term in search.weigh("sea puffin", 101)] == [2, 3]
    assert [term.passages for term in search.weigh("sea puffin", 150)] == [4, 3]
