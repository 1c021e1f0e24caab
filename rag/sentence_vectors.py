"""Vectors of passages' sentences, kept for the passages used last. It chooses no sentences."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping

from rag.embedding import Embedder, Vector
from rag.hit import Hit

Place = tuple[int, int]
"""Passage id and position of a sentence."""


class SentenceVectors:
    """Remembers up to `capacity` sentences, 1.5 KB each at 384 values.

    Passage ids are never given to another passage, so nothing kept here grows stale. Safe from
    several threads; two that miss the same sentence both embed it.
    """

    def __init__(self, embedder: Embedder, capacity: int = 10_000) -> None:
        self._embedder = embedder
        self._capacity = capacity
        self._kept: OrderedDict[Place, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, wanted: Collection[tuple[Hit, int]]) -> Mapping[Place, Vector]:
        """For each sentence shape (dimension,); what is missing is embedded in one call."""
        texts = {(hit.passage_id, at): hit.passage.sentences[at] for hit, at in wanted}
        with self._lock:
            found = {place: self._kept[place] for place in texts if place in self._kept}
        missing = [place for place in texts if place not in found]
        if missing:
            made = self._embedder.embed([texts[place] for place in missing])
            # Each a copy: a row would keep all rows of its call.
            found.update((place, row.copy()) for place, row in zip(missing, made, strict=True))
        self._keep(found)
        return found

    def _keep(self, used: Mapping[Place, Vector]) -> None:
        with self._lock:
            for place, vector in used.items():
                self._kept[place] = vector
                self._kept.move_to_end(place)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
