"""server/cache/question_vectors.py: embedded once for as long as it is kept."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from prometheus_client import CollectorRegistry

from rag.embedding import Vectors
from server.cache.metrics import CacheMetrics
from server.cache.question_vectors import QuestionVectors
from tests.fakes import FakeEmbedder
from tests.server.conftest import MakeStand
from tests.server.test_follow_ups import ask


class Counting(FakeEmbedder):
    """Knows what it was asked to embed."""

    def __init__(self, fingerprint: str = "counting") -> None:
        super().__init__()
        self.fingerprint = fingerprint
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        return super().embed(texts)


def made(limit_bytes: int = 1 << 20) -> QuestionVectors:
    return QuestionVectors(limit_bytes, 60, CacheMetrics(CollectorRegistry()))


def test_only_what_is_new_is_embedded() -> None:
    """And the vectors are those of the embedder, in the order asked."""
    embedder, vectors = Counting(), made()
    vectors.of(embedder, ["where is it", "what is it"])
    texts = ["what is it", "who is it", "what is it"]
    given = vectors.of(embedder, texts)
    assert embedder.asked == [["where is it", "what is it"], ["who is it"]]
    assert np.array_equal(given, FakeEmbedder().embed(texts))
    assert (vectors.cache.counts.hits, vectors.cache.counts.misses) == (1, 3)


def test_another_embedder_meets_no_vector_of_this_one() -> None:
    """Weights have a fingerprint."""
    vectors, other = made(), Counting("another")
    vectors.of(Counting(), ["where is it"])
    vectors.of(other, ["where is it"])
    assert other.asked == [["where is it"]]


def test_it_keeps_to_its_bytes_and_nothing_when_the_cache_is_off() -> None:
    """As each stage's cache does."""
    embedder, off, small = Counting(), made(0), made(3000)
    for number in range(40):
        small.of(embedder, [f"question {number}"])
    assert 0 < small.cache.counts.size_bytes <= 3000
    assert small.cache.counts.evictions
    off.of(embedder, ["once"])
    off.of(embedder, ["once"])
    assert embedder.asked[-2:] == [["once"], ["once"]]


def test_threads_may_ask_while_the_limit_changes() -> None:
    """What is counted is what is kept."""
    vectors, embedder = made(50_000), Counting()
    texts = [f"question {number}" for number in range(60)]

    def ask_all(start: int) -> None:
        for number in range(300):
            vectors.of(embedder, [texts[(start + number) % 60], texts[(start * number) % 60]])
            vectors.cache.resize(20_000 + 500 * (number % 60))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask_all, range(4)))
    counts = vectors.cache.counts
    kept = sum(vectors.cache.size_of(each) for each in vectors.cache.values())
    assert kept <= counts.size_bytes <= vectors.cache.limit_bytes
    assert counts.hits + counts.misses == 4 * 300 * 2 - sum(
        (start + number) % 60 == (start * number) % 60
        for start in range(4)
        for number in range(300)
    )


async def test_a_question_is_embedded_once_though_the_index_changes(make_stand: MakeStand) -> None:
    """What was found before is of another generation then."""
    stand = make_stand(lead_ms=5000)
    vectors = stand.shared.stages.vectors
    await ask(stand, "where is the car park", 1)
    asked = vectors.cache.counts.misses
    stand.shared.stages.search.cache.clear()
    await ask(stand, "where is the car park", 2)
    assert vectors.cache.counts.misses == asked
    assert vectors.cache.counts.hits
    await stand.end()
