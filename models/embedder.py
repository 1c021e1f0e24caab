"""Sentence embeddings: the Embedder protocol and all-MiniLM-L6-v2 run by CTranslate2, no torch.

It does not convert weights (models/minilm_weights.py does) and does not cache.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import ctranslate2
import numpy as np
import tokenizers
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MAXIMUM_TOKENS = 256
"""The sequence length that all-MiniLM-L6-v2 was trained with; longer texts are cut."""


class Embedder(Protocol):
    """Turns texts into vectors whose inner product is their similarity in meaning."""

    name: str
    fingerprint: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dimension), each row of length 1."""
        ...


BATCH_TEXTS = 16
BATCH_TOKENS = 1024
"""Of one call to the encoder, padding included. What lies between its layers then takes 6 MB, which
malloc keeps (models/allocation.py). Texts of 135 tokens take 8.6 ms of a core each so, and 18.6 in
batches of 32; texts of 21 tokens 1.2 and 2.4."""


def batches_of(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions of texts of like length, each once: within BATCH_TEXTS and BATCH_TOKENS, or one."""
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda position: lengths[position]):
        is_full = (len(batch) + 1) * lengths[position] > BATCH_TOKENS or len(batch) == BATCH_TEXTS
        if batch and is_full:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


class MiniLmEmbedder:
    """all-MiniLM-L6-v2, int8: 2 ms a query on one core."""

    name = "all-MiniLM-L6-v2 int8 (CTranslate2)"
    dimension = 384

    def __init__(self, model_dir: Path, fingerprint: str, calls_at_once: int = 1) -> None:
        """One thread a call; calls beyond `calls_at_once` wait. The weights are shared."""
        self.fingerprint = fingerprint
        self._tokenizer = tokenizers.Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAXIMUM_TOKENS)
        self._encoder = ctranslate2.Encoder(
            str(model_dir),
            device="cpu",
            compute_type="int8",
            inter_threads=calls_at_once,
            intra_threads=1,
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Blocking and safe from several threads; texts of like length are batched together."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for batch in batches_of([len(ids) for ids in tokens]):
            vectors[batch] = self._embed_batch([tokens[position] for position in batch])
        return vectors

    def _embed_batch(self, tokens: list[list[int]]) -> Vectors:
        hidden = np.asarray(self._encoder.forward_batch(tokens).last_hidden_state)
        lengths = np.array([len(ids) for ids in tokens])
        mask = (np.arange(hidden.shape[1]) < lengths[:, None]).astype(np.float32)
        pooled = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        normalised: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return normalised
