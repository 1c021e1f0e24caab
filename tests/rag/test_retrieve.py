"""Retrieval finds by words and by meaning, and says how sure it is."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.hit import Retrieval
from rag.index import NO_PASSAGE, FlatIndex
from rag.lexical import WeightedTerm
from rag.retrieve import Retriever, covered_share, fuse, relevance
from rag.store import Store
from rag.words import Stemmer
from tests.fakes_rag import WordEmbedder, add_document, open_store


@pytest.fixture
def filled(store: Store, embedder: WordEmbedder) -> Store:
    add_document(store, embedder, "dogs.md", ["Dogs stay on a lead.", "Cats roam."], "Dogs")
    add_document(store, embedder, "boats.md", ["The boat leaves at nine.", "It is blue."], "Boats")
    add_document(store, embedder, "birds.md", ["Puffins nest in burrows."], "Puffins")
    return store


def search(store: Store, embedder: WordEmbedder, question: str, limit: int = 5) -> Retrieval:
    retriever = Retriever(store, FlatIndex.from_store(store), Stemmer())
    return retriever.search(question, embedder.embed([question])[0], limit)


def test_index_gives_exact_neighbours(filled: Store, embedder: WordEmbedder) -> None:
    """Ids and cosines equal those of comparing with every vector; what is missing is marked."""
    index = FlatIndex.from_store(filled)
    table = filled.vector_table()
    questions = embedder.embed(["boat at nine", "puffins"])
    ids, scores = index.search(questions, 5)
    cosines = questions @ table.vectors.T
    np.testing.assert_allclose(scores[:, :3], -np.sort(-cosines, axis=1), rtol=1e-5)
    np.testing.assert_array_equal(ids[:, 0], table.ids[cosines.argmax(axis=1)])
    assert (ids[:, 3:] == NO_PASSAGE).all()
    assert (index.size, index.generation, index.kind) == (3, filled.generation(), "FLAT")


def test_empty_store_finds_nothing(store: Store, embedder: WordEmbedder) -> None:
    """No documents, no hits, no confidence, no error."""
    found = search(store, embedder, "anything")
    assert (found.hits, found.confidence) == ((), 0.0)
    ids, _ = FlatIndex.from_store(store).search(embedder.embed(["x"]), 3)
    assert (ids == NO_PASSAGE).all()


def test_best_passage_is_first_with_its_measures(filled: Store, embedder: WordEmbedder) -> None:
    """Hits are ordered by score and carry what speaks for them."""
    found = search(filled, embedder, "When does the boat leave?")
    best = found.hits[0]
    assert best.document == "boats.md"
    assert best.coverage == pytest.approx(1.0)
    assert 0 < best.cosine <= 1
    assert best.fusion == pytest.approx(2 / 61)
    assert [hit.score for hit in found.hits] == sorted((h.score for h in found.hits), reverse=True)
    assert found.generation == 3


def test_limit_does_not_change_the_confidence(filled: Store, embedder: WordEmbedder) -> None:
    """How many passages one asks for says nothing about how sure it is."""
    question = "Do puffins nest?"
    one, many = (search(filled, embedder, question, limit) for limit in (1, 5))
    assert len(one.hits) == 1
    assert one.confidence == many.confidence


def test_unknown_words_lower_the_confidence(filled: Store, embedder: WordEmbedder) -> None:
    """A question of which the documents have no word is doubtful."""
    known = search(filled, embedder, "puffins nest burrows")
    unknown = search(filled, embedder, "quantum chromodynamics lecture")
    assert unknown.confidence < 0.5 < known.confidence


def test_rare_words_count_more() -> None:
    """Coverage weighs words by how few passages have them."""
    with_rare = [(frozenset({"boat"}), 1.0), (frozenset({"puffin"}), 3.0)]
    terms = [WeightedTerm("", stems, 1, idf) for stems, idf in with_rare]
    assert covered_share(terms, {"puffin"}) == 0.75
    assert covered_share([], {"puffin"}) == 0.0


def test_number_spelled_either_way_is_covered(store: Store, embedder: WordEmbedder) -> None:
    """A passage with "bus 7" covers a question for bus seven."""
    add_document(store, embedder, "bus.md", ["Bus 7 goes to the harbour."])
    assert search(store, embedder, "bus seven").hits[0].coverage == pytest.approx(1.0)


def test_of_two_readings_the_one_that_fits_is_answered(
    filled: Store, embedder: WordEmbedder
) -> None:
    """The documents choose; of equally good readings the first is kept."""
    retriever = Retriever(filled, FlatIndex.from_store(filled), Stemmer())
    wrong, right = "when does the goat believe", "when does the boat leave"
    for readings in ([wrong, right], [right, wrong]):
        found = retriever.search_readings(readings, list(embedder.embed(readings)))
        assert found.question == right
        assert found == search(filled, embedder, right)
    equal = [right, f"{right} "]
    assert retriever.search_readings(equal, list(embedder.embed(equal))).question == right


def test_passages_that_vanish_meanwhile_are_left_out(filled: Store, embedder: WordEmbedder) -> None:
    """An index older than the store gives no dead passages."""
    retriever = Retriever(filled, FlatIndex.from_store(filled), Stemmer())
    filled.remove_documents(["/documents/boats.md"])
    found = retriever.search("boat", embedder.embed(["boat"])[0])
    assert "boats.md" not in {hit.document for hit in found.hits}


def test_fusion_adds_reciprocal_ranks() -> None:
    """Being second twice beats being first once and absent once."""
    scores = fuse([[1, 2], [3, 2]])
    assert max(scores, key=lambda number: scores[number]) == 2
    assert scores[1] == pytest.approx(1 / 61)


@given(st.floats(-1, 1), st.floats(0, 1))
def test_relevance_stays_in_bounds(cosine: float, coverage: float) -> None:
    """Scores shown to people are from 0 to 1."""
    assert 0 <= relevance(cosine, coverage) <= 1


@given(st.text(max_size=80))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_question_is_answered_without_error(tmp_path: Path, question: str) -> None:
    """Whatever a recogniser writes, retrieval returns."""
    embedder = WordEmbedder()
    with open_store(tmp_path, embedder) as store:
        if not store.documents():
            add_document(store, embedder, "a.md", ["Puffins nest in burrows."])
        assert len(search(store, embedder, question).hits) == 1
