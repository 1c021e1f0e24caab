"""A filter narrows both rankings to the documents that it names, and nothing slips through."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag import scope
from rag.chunk import Passage
from rag.filter import EVERYTHING, Filter
from rag.hit import Retrieval
from rag.index import FlatIndex
from rag.retrieve import Retriever
from rag.scope import Scopes
from rag.store import DocumentRecord, Store
from rag.words import Stemmer
from tests.fakes_rag import WordEmbedder, open_store

RECORDS = (
    ("guides/boats.md", "guides", "guides", ("sea", "travel"), 100),
    ("guides/old/boats.md", "guides", "guides/old", ("sea",), 50),
    ("guides2/boats.md", "archive", "guides2", ("seal",), 10),
    ("it's 100%_odd/b.md", "archive", "it's 100%_odd", (), 0),
)


def add(
    store: Store, embedder: WordEmbedder, row: tuple[str, str, str, tuple[str, ...], int]
) -> None:
    name, collection, folder, tags, modified_at = row
    passage = Passage("Boats", (), 0, (f"The boat leaves. {name} {name[::-1]}",))
    record = DocumentRecord(
        f"/{name}", "/", name, "Boats", name, collection, folder, tags, (), modified_at
    )
    store.replace_document(record, [passage], embedder.embed([passage.embedding_text]))


@pytest.fixture
def filled(tmp_path: Path, embedder: WordEmbedder) -> Iterator[Store]:
    with open_store(tmp_path / "filled", embedder) as store:
        for row in RECORDS:
            add(store, embedder, row)
        yield store


def search(store: Store, embedder: WordEmbedder, narrowing: Filter) -> Retrieval:
    retriever = Retriever(store, FlatIndex.from_store(store), Stemmer())
    question = "When does the boat leave?"
    return retriever.search(question, embedder.embed([question])[0], 10, narrowing)


@pytest.mark.parametrize(
    ("narrowing", "expected"),
    [
        (EVERYTHING, (0, 1, 2, 3)),
        (Filter(collections=("guides",)), (0, 1)),
        (Filter(collections=("guides", "archive")), (0, 1, 2, 3)),
        (Filter(documents=("guides/boats.md", "guides2/boats.md")), (0, 2)),
        (Filter(folders=("guides",)), (0, 1)),
        (Filter(folders=("/guides/old/",)), (1,)),
        (Filter(folders=("it's 100%_odd",)), (3,)),
        (Filter(folders=("%",)), ()),
        (Filter(tags=("sea",)), (0, 1)),
        (Filter(tags=("travel", "seal")), (0, 2)),
        (Filter(since_s=50), (0, 1)),
        (Filter(since_s=10, until_s=50), (2,)),
        (Filter(tags=("sea",), until_s=60), (1,)),
        (Filter(documents=("' OR 1=1 --",)), ()),
    ],
)
@pytest.mark.parametrize("exact_passages", [0, 4_000])
def test_only_what_the_filter_names_is_found(
    filled: Store,
    embedder: WordEmbedder,
    narrowing: Filter,
    expected: tuple[int, ...],
    exact_passages: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By words and by meaning, with the exact comparison and with the index asked for more."""
    monkeypatch.setattr(scope, "EXACT_PASSAGES", exact_passages)
    found = search(filled, embedder, narrowing)
    assert sorted(hit.document for hit in found.hits) == sorted(RECORDS[n][0] for n in expected)


def test_filter_sees_what_was_added_since(filled: Store, embedder: WordEmbedder) -> None:
    """A scope is kept for its generation only."""
    scopes, narrowing = Scopes(filled), Filter(tags=("sea",))
    first = scopes.of(narrowing)
    assert scopes.of(narrowing) is first
    add(filled, embedder, ("new.md", "guides", "", ("sea",), 1))
    assert len(scopes.of(narrowing).ids) == len(first.ids) + 1


def test_few_filters_are_remembered(filled: Store) -> None:
    """However many filters are asked for, their passages do not fill the memory."""
    scopes = Scopes(filled)
    first = scopes.of(Filter(since_s=1))
    for second in range(2, scope.SCOPES_KEPT + 2):
        scopes.of(Filter(since_s=second))
    assert scopes.of(Filter(since_s=1)) is not first


def test_scope_gives_the_exact_neighbours_in_it(filled: Store, embedder: WordEmbedder) -> None:
    """In order of cosine, as comparing with each would give."""
    narrowing = Filter(tags=("sea", "seal"))
    vector = embedder.embed(["boat of guides2"])[0]
    found = Scopes(filled).of(narrowing)
    table = filled.vector_table()
    inside = np.isin(table.ids, found.ids)
    order = np.argsort(-(table.vectors[inside] @ vector), kind="stable")
    nearest = found.nearest(FlatIndex.from_store(filled), vector, 2)
    assert nearest == table.ids[inside][order][:2].tolist()


def test_collections_are_searched_side_by_side(filled: Store, embedder: WordEmbedder) -> None:
    """With a pool or without, the merged hits are the same and in one order of score."""
    question, narrowing = "the boat leaves", Filter(collections=("guides", "archive"))
    vector = embedder.embed([question])[0]
    with ThreadPoolExecutor(2) as pool:
        index = FlatIndex.from_store(filled)
        both = Retriever(filled, index, Stemmer(), pool).search(question, vector, 9, narrowing)
    alone = Retriever(filled, index, Stemmer()).search(question, vector, 9, narrowing)
    assert both == alone
    assert [hit.score for hit in both.hits] == sorted((h.score for h in both.hits), reverse=True)


def test_small_collection_is_not_crowded_out(store: Store, embedder: WordEmbedder) -> None:
    """Each collection brings its own candidates, however many better ones another one has."""
    for number in range(60):
        add(store, embedder, (f"big/{number}.md", "big", "big", (), 0))
    passage = Passage("Ferry", (), 0, ("A boat may be late.",))
    record = DocumentRecord("/small.md", "/", "small.md", "Ferry", "s", "small")
    store.replace_document(record, [passage], embedder.embed([passage.embedding_text]))
    retriever = Retriever(store, FlatIndex.from_store(store), Stemmer())
    question = "The boat big leaves"
    narrowing = Filter(collections=("big", "small"))
    found = retriever.search(question, embedder.embed([question])[0], 50, narrowing)
    assert "small.md" in {hit.document for hit in found.hits}
