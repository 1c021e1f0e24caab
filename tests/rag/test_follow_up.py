from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.question_file import SAMPLE_QUESTIONS, UNANSWERABLE_QUESTIONS, read_questions
from rag.answer import Answerer
from rag.filter import Filter
from rag.follow_up import (
    PLAIN,
    SIGNED,
    Earlier,
    joined_terms,
    joined_vector,
    leans_on_earlier,
    margins_of,
)
from rag.index import FlatIndex
from rag.index_live import LiveIndex
from rag.retrieve import Retriever
from rag.words import Stemmer
from tests.fakes_rag import WordEmbedder, add_document, open_store


@pytest.mark.parametrize(
    "question",
    [
        *("and on sundays?", "What about children?", "how much is it", "when does she get there"),
        *("in winter", "which one?", "why", "is that included", "and the stew?", "anything else"),
        *("how do i get one out", "where can i buy one", "how early should i be there"),
        "how early must we be there",
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
        "will there be music",
        "what is the square root of eighty one",
        "does one ticket cover the family",
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


@pytest.mark.parametrize(
    ("question", "margins"),
    [
        ("are there jellyfish", PLAIN),
        ("what does the boat cost", PLAIN),
        ("can they book earlier", SIGNED),
        ("Is food included?", SIGNED),
        ("is the boat cheaper than the train", PLAIN),
        ("so how can i check my email", SIGNED),
        ("how many passengers can the old wooden boat carry", None),
    ],
)
def test_what_the_earlier_passage_may_lack(question: str, margins: object) -> None:
    """More where a word wants something said before; nothing is let pass for a long question."""
    assert margins_of(question) == margins


KENNEL = ("Dogs sleep in the kennel.", "Blankets are red.")
PORCH = ("Dogs sleep on the porch too.", "The porch is red.")


class Kennels:
    """Two passages that answer "where do dogs sleep", and one that has no part in it."""

    def __init__(self, folder: Path) -> None:
        self.embedder = WordEmbedder()
        self.store = open_store(folder, self.embedder)
        for name, sentences in (("kennel", KENNEL), ("porch", PORCH), ("chapel", MASS)):
            add_document(self.store, self.embedder, f"{name}.md", sentences, "Rest")
        self.retriever = Retriever(self.store, LiveIndex(self.store), Stemmer())
        self.answerer = Answerer(self.embedder, self.retriever)

    def order(self, question: str, earlier: str, limit: int = 5, *only: str) -> list[str]:
        """The documents found after `earlier` answered, the first one first."""
        narrowing, vector = Filter(documents=only), self.embedder.embed([question])[0]
        found = self.retriever.search(question, vector, limit, narrowing)
        ids = self.store.vector_table().ids.tolist()
        stored = self.store.fetch(ids)
        (passage_id,) = (number for number in ids if stored[number].document == earlier)
        again = self.retriever.look_again(found, passage_id, narrowing)
        went = self.answerer.going_on(found, again) if again else found
        assert [hit.score for hit in went.hits] == sorted(
            (hit.score for hit in went.hits), reverse=True
        )
        assert (went.vector is found.vector, went.confidence) == (True, found.confidence)
        return [hit.document for hit in went.hits]


@pytest.fixture
def kennels(tmp_path: Path) -> Kennels:
    return Kennels(tmp_path)


def test_a_short_question_goes_on_where_it_fits_as_well(kennels: Kennels) -> None:
    """The passage that answered comes first, though another one is a little better."""
    assert kennels.order("do dogs sleep", "kennel.md")[0] == "kennel.md"
    assert kennels.order("do dogs sleep", "porch.md")[0] == "porch.md"
    assert kennels.order("do dogs sleep", "chapel.md")[0] != "chapel.md"


def test_it_goes_on_with_a_passage_that_the_search_left_out(kennels: Kennels) -> None:
    """As many hits as before; unless the passage is gone, or the filter leaves it out."""
    (best,) = kennels.order("do dogs sleep", "chapel.md", 1)
    (other,) = {"kennel.md", "porch.md"} - {best}
    assert kennels.order("do dogs sleep", other, 1) == [other]
    assert kennels.order("do dogs sleep", other, 1, best, "chapel.md") == [best]
    question = "do dogs sleep"
    found = kennels.retriever.search(question, kennels.embedder.embed([question])[0])
    assert kennels.retriever.look_again(found, 10**6) is None


def test_a_passage_without_the_sentence_does_not_hold_the_talk(kennels: Kennels) -> None:
    """Of two passages with all the words it is the one that says them together."""
    question = "red porch light"
    add = partial(add_document, kennels.store, kennels.embedder)
    add("together.md", ("The red porch light is on.", "Cats sleep here quietly."))
    add("apart.md", ("The red door shuts well.", "A porch is cold.", "One light hangs there."))
    found = kennels.retriever.search(question, kennels.embedder.embed([question])[0])
    scores = {hit.document: hit.score for hit in found.hits}
    assert 0 < scores["together.md"] - scores["apart.md"] < PLAIN.passage
    assert kennels.order(question, "apart.md")[0] == "together.md"


def test_a_sentence_in_a_passage_about_other_things_does_not_hold_the_talk(
    kennels: Kennels,
) -> None:
    """Of two passages that say the same sentence it is the one that is about it."""
    question, sentence = "red porch light", "The red porch light is on."
    others = tuple(f"Walnuts number {n} ripen behind meadow {n} every autumn." for n in range(9))
    add = partial(add_document, kennels.store, kennels.embedder)
    add("about.md", (sentence, "The light is red."))
    add("beside.md", (sentence, *others))
    found = kennels.retriever.search(question, kennels.embedder.embed([question])[0])
    scores = {hit.document: hit.score for hit in found.hits}
    assert scores["about.md"] - scores["beside.md"] > PLAIN.passage
    assert kennels.order(question, "beside.md")[0] == "about.md"


def test_a_long_question_does_not_go_on(kennels: Kennels) -> None:
    """It says itself what it asks for."""
    question = "where do the dogs of visitors sleep at night"
    (best, *_) = kennels.order(question, "chapel.md")
    for earlier in ("kennel.md", "porch.md"):
        assert kennels.order(question, earlier)[0] == best
