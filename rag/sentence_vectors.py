"""Sentence vectors of passages, kept for the passages used last. It chooses no sentences."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from rag.embedding import Embedder, Vectors
from rag.hit import Hit


class SentenceVectors:
    """Remembers up to `capacity` passages (8 KB each at 384 values and five sentences).

    Passage ids are never given to another passage, so nothing kept here grows stale. Safe from
    several threads; two that miss the same passage both embed it.
    """

    def __init__(self, embedder: Embedder, capacity: int = 2_000) -> None:
        self._embedder = embedder
        self._capacity = capacity
        self._kept: OrderedDict[int, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def of_hits(self, hits: Sequence[Hit]) -> list[Vectors]:
        """For each hit shape (sentences, dimension); what is missing is embedded in one batch."""
        with self._lock:
            kept = {
                hit.passage_id: self._kept[hit.passage_id]
                for hit in hits
                if hit.passage_id in self._kept
            }
        missing = [hit for hit in hits if hit.passage_id not in kept]
        texts = [sentence for hit in missing for sentence in hit.passage.sentences]
        made = self._embedder.embed(texts) if texts else np.empty((0, 0), np.float32)
        ends = np.cumsum([len(hit.passage.sentences) for hit in missing])
        for hit, vectors in zip(missing, np.split(made, ends[:-1]), strict=False):
            kept[hit.passage_id] = vectors
        self._keep(kept)
        return [kept[hit.passage_id] for hit in hits]

    def _keep(self, used: dict[int, Vectors]) -> None:
        with self._lock:
            for number, vectors in used.items():
                self._kept[number] = vectors
                self._kept.move_to_end(number)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
