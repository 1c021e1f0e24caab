"""models/batching.py: calls that come together are embedded together, each gets its own."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from models.batching import BatchingEmbedder
from models.embedder import Vectors


class HeldEmbedder:
    """One number a text: its length. Waits for `go` in every call, and notes the texts."""

    name, fingerprint, dimension = "held", "held-1", 1

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.started = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.error: Exception | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        self.started.release()
        assert self.go.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        return np.array([[len(text)] for text in texts], np.float32)


class Callers:
    """Threads that embed, and what each got."""

    def __init__(self, embedder: BatchingEmbedder) -> None:
        self.embedder = embedder
        self.got: dict[str, list[float] | str] = {}
        self._threads: list[threading.Thread] = []

    def call(self, *texts: str) -> None:
        before = len(self.embedder._waiting)
        thread = threading.Thread(target=self._embed, args=(texts,))
        self._threads.append(thread)
        thread.start()
        if self._threads[1:]:
            while len(self.embedder._waiting) == before:
                thread.join(0.001)

    def _embed(self, texts: tuple[str, ...]) -> None:
        try:
            self.got[texts[0]] = [float(row[0]) for row in self.embedder.embed(texts)]
        except ValueError as error:
            self.got[texts[0]] = str(error)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


def test_what_comes_during_a_call_is_the_next_batch() -> None:
    """Three calls behind a running one are one batch, and each gets its own rows."""
    inner = HeldEmbedder()
    callers = Callers(BatchingEmbedder(inner))
    callers.call("a")
    assert inner.started.acquire(timeout=10)
    callers.call("bb")
    callers.call("ccc", "dddd")
    callers.call("eeeee")
    for _ in range(2):
        inner.go.release()
    callers.join()
    assert inner.calls == [["a"], ["bb", "ccc", "dddd", "eeeee"]]
    assert callers.got == {"a": [1], "bb": [2], "ccc": [3, 4], "eeeee": [5]}


def test_a_batch_is_bounded() -> None:
    """A call that would pass the largest batch waits for the next one."""
    inner = HeldEmbedder()
    callers = Callers(BatchingEmbedder(inner, largest_batch=2))
    callers.call("a")
    assert inner.started.acquire(timeout=10)
    for text in ("b", "c", "d"):
        callers.call(text)
    for _ in range(3):
        inner.go.release()
    callers.join()
    assert [len(call) for call in inner.calls] == [1, 2, 1]


def test_a_lone_call_may_be_larger_than_a_batch() -> None:
    """An ingest's many texts go through whole: the embedder cuts its own batches."""
    inner = HeldEmbedder()
    inner.go.release()
    vectors = BatchingEmbedder(inner, largest_batch=2).embed(["a", "bb", "ccc"])
    assert vectors[:, 0].tolist() == [1, 2, 3]


def test_an_error_reaches_every_caller_of_its_batch_and_no_other() -> None:
    """The calls that failed together are told; the next one works."""
    inner = HeldEmbedder()
    callers = Callers(BatchingEmbedder(inner))
    callers.call("a")
    assert inner.started.acquire(timeout=10)
    callers.call("b")
    callers.call("c")
    inner.error = ValueError("too hot")
    for _ in range(2):
        inner.go.release()
    callers.join()
    assert callers.got == {"a": "too hot", "b": "too hot", "c": "too hot"}
    inner.error = None
    inner.go.release()
    assert callers.embedder.embed(["dd"])[0, 0] == 2


@pytest.mark.parametrize("name", ["name", "fingerprint", "dimension"])
def test_it_is_known_by_the_embedder_it_wraps(name: str) -> None:
    """Caches and the store must not tell the two apart."""
    inner = HeldEmbedder()
    assert getattr(BatchingEmbedder(inner), name) == getattr(inner, name)
