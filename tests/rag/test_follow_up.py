from pathlib import Path

import numpy as np
import pytest

from benchmarks.question_file import SAMPLE_QUESTIONS, UNANSWERABLE_QUESTIONS, read_questions
from rag.follow_up import Earlier, going_on, joined_terms, joined_vector, leans_on_earlier
from rag.index import FlatIndex
from rag.retrieve import Retriever
from rag.words import Stemmer
from tests.fakes_rag import WordEmbedder, add_document, open_store


@pytest.mark.parametrize(
    "question",
    [
        *("and on sundays?", "What about children?", "how much is it", "when does she get there"),
        *("in winter", "which one?", "why", "is that included", "and the stew?", "anything else"),
    ],
)
def test_signs_of_leaning(question: str) -> None:
    """An opening, a pronoun, a phrase without a verb, or no word of its own."""
    assert leans_on_earlier(question)


@pytest.mark.parametrize(
    "question",
    [
        "how much is it to adopt a puffin",
        "is it safe to swim",
        "is there a golf course",
        "how old are those stones on top of the hill",
        "the electricity has gone off how do I get it back",
        "and where can i fill up my water bottle",
        "in what year was the lamp lit",
        "where do the storm petrels make their nests",
        "",
    ],
)
def test_what_looks_like_leaning_and_is_not(question: str) -> None:
    """An "it" that stands for what follows, "there is", and pronouns within a long question."""
    assert not leans_on_earlier(question)


@pytest.mark.parametrize("path", [SAMPLE_QUESTIONS, UNANSWERABLE_QUESTIONS], ids=lambda it: it.stem)
def test_no_question_that_stands_alone_is_taken_for_a_follow_up(path: Path) -> None:
    """None of the sample questions and none of those without an answer."""
    taken = [each.text for each in read_questions(path) if leans_on_earlier(each.text)]
    assert taken == []


SUMMER = ("The boat sails daily in summer.", "The first boat goes at nine.")
SUNDAY = ("The boat sails twice on Sundays.",)
MASS = ("Mass is said on Sundays in the chapel.", "The organ is played on Sundays too.")


@pytest.fixture
def retriever(tmp_path: Path) -> Retriever:
    embedder = WordEmbedder()
    store = open_store(tmp_path, embedder)
    add_document(store, embedder, "boat.md", SUMMER, "Summer")
    add_document(store, embedder, "other.md", SUNDAY, "Sailing")
    add_document(store, embedder, "chapel.md", MASS, "Sundays")
    return Retriever(store, FlatIndex.from_store(store), Stemmer())


def test_what_was_asked_before_is_searched_along(retriever: Retriever) -> None:
    """Alone "and on Sundays" finds the chapel; after a question for the boat it finds the boat."""
    embed = WordEmbedder().embed
    question, earlier = "and on sundays", "when does the boat sail"
    alone = retriever.search(question, embed([question])[0])
    assert alone.hits[0].document == "chapel.md"
    lean = Earlier(earlier, embed([earlier])[0], "")
    after = retriever.search(question, embed([question])[0], earlier=lean)
    assert after.hits[0].document == "other.md"
    assert after.question == question
    assert {term.word for term in after.terms} == {"sundays", "boat", "sail"}


def test_the_document_that_answered_is_preferred_a_little(retriever: Retriever) -> None:
    """By so much that it wins what is nearly even, and no more."""
    vector = WordEmbedder().embed(["sundays", "boat"])
    plain = retriever.search("sundays", vector[0], earlier=Earlier("boat", vector[1], ""))
    raised = retriever.search("sundays", vector[0], earlier=Earlier("boat", vector[1], "boat.md"))
    scores = [{hit.document: hit.score for hit in found.hits} for found in (plain, raised)]
    assert scores[1]["boat.md"] == pytest.approx(scores[0]["boat.md"] + 0.1)
    assert scores[1]["chapel.md"] == pytest.approx(scores[0]["chapel.md"])
    assert [hit.score for hit in raised.hits] == sorted(
        (h.score for h in raised.hits), reverse=True
    )


def test_words_of_the_earlier_question_weigh_less_unless_there_are_no_others(
    retriever: Retriever,
) -> None:
    """Of "how much is it" nothing is left to search for but what was asked before."""
    own, earlier = retriever.weigh("sundays"), retriever.weigh("boat sundays")
    joined = {term.word: term.idf for term in joined_terms("on sundays", own, earlier)}
    weights = {term.word: term.idf for term in earlier}
    assert joined == {"sundays": own[0].idf, "boat": pytest.approx(0.3 * weights["boat"])}
    none = retriever.weigh("how much is it")
    assert joined_terms("how much is it", none, earlier) == earlier


def test_the_joined_vector_has_length_one() -> None:
    """Whatever the two are."""
    vectors = WordEmbedder().embed(["one", "two"])
    joined = joined_vector(vectors[0], Earlier("two", vectors[1], ""))
    assert np.linalg.norm(joined) == pytest.approx(1)
    assert joined.dtype == np.float32


def test_a_short_question_goes_on_where_it_fits_as_well(retriever: Retriever) -> None:
    """The earlier passage comes first when it is nearly as good; a long question is left alone."""
    vector = WordEmbedder().embed(["sundays"])[0]
    found = retriever.search("sundays", vector)
    second, last = found.hits[1], found.hits[-1]
    is_near = second.score >= found.hits[0].score - 0.07
    assert (going_on(found, second.passage_id).hits[0] == second) is is_near
    assert going_on(found, last.passage_id).hits[0] != last
    assert going_on(found, 10**6) is found
    assert going_on(found, found.hits[0].passage_id) is found
