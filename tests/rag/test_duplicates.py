"""Copies of a passage do not fill the hits, and what differs in more than a word is no copy."""

import numpy as np
import pytest

from rag.chunk import Passage
from rag.duplicates import Found, say_the_same, without_duplicates
from rag.filter import Filter
from rag.hit import Hit
from rag.index import FlatIndex
from rag.retrieve import Retriever
from rag.store import DocumentRecord, Store
from rag.words import Stemmer
from tests.fakes_rag import WordEmbedder, add_document

LONG = (
    "The boat to the island leaves from the North Quay at nine, stops below the old lighthouse for "
    "those who want to walk up its stair, and comes back late in the day."
)


def found(number: int, text: str, document: str, named: frozenset[str] = frozenset()) -> Found:
    passage = Passage("T", (), 0, (text,))
    hit = Hit(number, document, passage, 1 - number / 10, 0.0, 0.5, 0.5)
    return Found(hit, np.array([1.0, 0.0], np.float32), named)


def test_best_copy_stays_and_names_the_others() -> None:
    """The first is kept; each other document is named once."""
    copies = [found(1, LONG, "a"), found(2, LONG, "b"), found(3, LONG.upper(), "b")]
    (kept,) = without_duplicates(copies)
    assert (kept.passage_id, kept.also_in) == (1, ("b",))
    (alone,) = without_duplicates([found(1, LONG, "a"), found(2, LONG, "a")])
    assert alone.also_in == ()


def test_copies_under_titles_that_the_question_tells_apart_stay() -> None:
    """The same text about two things answers for the one that was asked for."""
    both = [found(1, LONG, "a", frozenset({"one"})), found(2, LONG, "b")]
    assert len(without_duplicates(both)) == 2


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (LONG.replace("late", "early"), True),
        (LONG.replace("nine", "9"), False),
        (LONG + " Bring warm clothes, for it is cold on the water.", False),
        ("", False),
    ],
)
def test_one_word_may_differ_but_no_number(other: str, is_same: bool) -> None:
    """A boat that leaves at nine and one that leaves at 10 are two facts."""
    assert say_the_same(LONG, other) is is_same


def test_retrieval_gives_a_copied_passage_once(store: Store, embedder: WordEmbedder) -> None:
    """Two folders with the same page give one hit, and a filter still finds either."""
    for folder in ("a", "b"):
        passage = Passage("Boats", (), 0, (LONG,))
        record = DocumentRecord(f"/{folder}/x.md", "/", f"{folder}/x.md", "Boats", "h")
        store.replace_document(record, [passage], embedder.embed([passage.embedding_text]))
    add_document(store, embedder, "birds.md", ["Puffins nest in burrows."])
    retriever = Retriever(store, FlatIndex.from_store(store), Stemmer())
    vector = embedder.embed([LONG])[0]
    first, *others = retriever.search(LONG, vector).hits
    assert (first.document, first.also_in) == ("a/x.md", ("b/x.md",))
    assert [hit.document for hit in others] == ["birds.md"]
    only = retriever.search(LONG, vector, 5, Filter(documents=("b/x.md",))).hits
    assert [hit.document for hit in only] == ["b/x.md"]
