"""Embeds together what several threads ask for at the same time. It embeds nothing itself.

Nobody waits for a batch to fill: while one call runs, those that come meanwhile gather, and the
next to go takes them all. A lone call costs what it would cost without this.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.embedder import Embedder, Vectors


@dataclass(slots=True, eq=False)
class _Request:
    texts: Sequence[str]
    vectors: Vectors | None = None
    error: BaseException | None = None
    is_done: bool = field(default=False)


class BatchingEmbedder:
    """An Embedder round another; safe from several threads, one of which embeds at a time."""

    def __init__(self, embedder: Embedder, largest_batch: int = 32) -> None:
        self.name = embedder.name
        self.fingerprint = embedder.fingerprint
        self.dimension = embedder.dimension
        self._embedder = embedder
        self._largest_batch = largest_batch
        self._turn = threading.Lock()
        self._waiting: deque[_Request] = deque()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. Raises what the embedder raised for the batch that held these texts."""
        request = _Request(texts)
        self._waiting.append(request)
        with self._turn:
            while not request.is_done:
                self._embed_together(self._gathered())
        if request.error is not None or request.vectors is None:
            raise request.error or RuntimeError("the batch gave no vectors")
        return request.vectors

    def _gathered(self) -> list[_Request]:
        """Take requests in the order they came, at least one, up to the largest batch of texts."""
        batch = [self._waiting.popleft()]
        count = len(batch[0].texts)
        while self._waiting and count + len(self._waiting[0].texts) <= self._largest_batch:
            batch.append(self._waiting.popleft())
            count += len(batch[-1].texts)
        return batch

    def _embed_together(self, batch: list[_Request]) -> None:
        try:
            vectors = self._embedder.embed([text for request in batch for text in request.texts])
        except BaseException as error:
            for request in batch:
                request.error, request.is_done = error, True
            return
        ends = np.cumsum([len(request.texts) for request in batch])
        for request, part in zip(batch, np.split(vectors, ends[:-1]), strict=True):
            request.vectors, request.is_done = part, True
