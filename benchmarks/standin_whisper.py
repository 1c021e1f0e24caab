"""Makes a stand-in Whisper: the shape of base.en with random weights. Its cost is true, its words
are not.

`python -m benchmarks.standin_whisper OUT [--shape base.en]`
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec

from benchmarks.whisper_files import (
    DECODER_POSITIONS,
    ENGLISH_TOKENS,
    MEL_BANDS,
    Weights,
    make_tokenizer,
    position_encodings,
    save_model,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Layers of the encoder and of the decoder each, width of the model, attention heads."""

    layers: int
    width: int
    heads: int


SHAPES = {
    "tiny.en": Shape(4, 384, 6),
    "base.en": Shape(6, 512, 8),
    "small.en": Shape(12, 768, 12),
}


def make_standin_whisper(out_dir: Path, shape: Shape = SHAPES["base.en"], seed: int = 0) -> Path:
    """An int8 model folder that faster-whisper loads offline; the same seed gives the same
    bytes.
    """
    maker = _StandinMaker(shape, seed)
    tokenizer, vocabulary = make_tokenizer(ENGLISH_TOKENS)
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    maker.fill_encoder(spec.encoder)
    maker.fill_decoder(spec.decoder, len(vocabulary))
    spec.register_vocabulary(vocabulary)
    first_space, end = vocabulary.index("\u0120"), vocabulary.index("<|endoftext|>")
    spec.config.suppress_ids, spec.config.lang_ids = [], []
    spec.config.suppress_ids_begin = [first_space, end]
    spec.config.alignment_heads = [[shape.layers - 1, head] for head in range(shape.heads)]
    return save_model(spec, tokenizer, out_dir)


class _StandinMaker:
    def __init__(self, shape: Shape, seed: int) -> None:
        self._width = shape.width
        self._random = np.random.default_rng(seed)

    def fill_encoder(self, encoder: Any) -> None:
        width = self._width
        encoder.conv1.weight = self._weights(width, MEL_BANDS, 3, scale=0.05)
        encoder.conv2.weight = self._weights(width, width, 3, scale=0.02)
        encoder.conv1.bias = encoder.conv2.bias = np.zeros(width, np.float32)
        encoder.position_encodings.encodings = position_encodings(width)
        self._normalise(encoder.layer_norm)
        for layer in encoder.layer:
            self._fill_layer(layer)

    def fill_decoder(self, decoder: Any, vocabulary_size: int) -> None:
        decoder.embeddings.weight = self._weights(vocabulary_size, self._width, scale=0.02)
        positions = self._weights(DECODER_POSITIONS, self._width, scale=0.02)
        decoder.position_encodings.encodings = positions
        self._normalise(decoder.layer_norm)
        for layer in decoder.layer:
            self._fill_layer(layer)
            self._attend(layer.attention, [self._width, 2 * self._width, self._width])
        decoder.projection.weight = decoder.embeddings.weight

    def _fill_layer(self, layer: Any) -> None:
        self._attend(layer.self_attention, [3 * self._width, self._width])
        self._normalise(layer.ffn.layer_norm)
        self._connect(layer.ffn.linear_0, 4 * self._width, self._width)
        self._connect(layer.ffn.linear_1, self._width, 4 * self._width)

    def _attend(self, attention: Any, outputs: Sequence[int]) -> None:
        self._normalise(attention.layer_norm)
        for linear, output in zip(attention.linear, outputs, strict=False):
            self._connect(linear, output, self._width)

    def _connect(self, linear: Any, outputs: int, inputs: int) -> None:
        linear.weight = self._weights(outputs, inputs, scale=inputs**-0.5)
        linear.bias = np.zeros(outputs, np.float32)

    def _normalise(self, norm: Any) -> None:
        norm.gamma = np.ones(self._width, np.float32)
        norm.beta = np.zeros(self._width, np.float32)

    def _weights(self, *shape: int, scale: float) -> Weights:
        return (self._random.standard_normal(shape, np.float32) * np.float32(scale)).astype(
            np.float32
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status, always 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.standin_whisper", description=__doc__
    )
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="base.en")
    options = parser.parse_args(arguments)
    folder = make_standin_whisper(options.out, SHAPES[options.shape])
    size_bytes = sum(path.stat().st_size for path in folder.iterdir())
    print(f"Stand-in {options.shape} in {folder}, {size_bytes / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
