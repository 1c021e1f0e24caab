"""What retrieval asks of an embedder. It embeds nothing itself: see models/embedder.py."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (n, dimension), each row of length 1, so that an inner product is a cosine."""
Vector = NDArray[np.float32]
"""Shape (dimension,), of length 1."""


class Embedder(Protocol):
    """Turns texts into vectors; texts of like meaning have a high inner product."""

    fingerprint: str
    """Names the weights and their conversion; vectors of different fingerprints do not compare."""
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return shape (len(texts), dimension). Blocking; safe to call from several threads."""
        ...
