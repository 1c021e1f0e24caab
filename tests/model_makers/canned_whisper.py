"""Makes a 1 MB Whisper model that transcribes any speech as one chosen sentence, through the true
code.

All residual branches are zero; decoder position t is the unit vector e_t, and the output projection
maps e_t to the sentence's t-th token, then to the end of the text.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec

from benchmarks.whisper_files import (
    BYTE_TOKENS,
    DECODER_POSITIONS,
    MEL_BANDS,
    Weights,
    make_tokenizer,
    position_encodings,
    save_model,
)

_HEADS = 2
_CERTAIN = 4.0


def make_canned_whisper(out_dir: Path, sentence: str, prompt_tokens: int = 2) -> Path:
    """The model's folder; a sentence may have at most about 400 characters.

    It says the sentence after a prompt of exactly so many tokens; 2 are <|startoftranscript|> and
    <|notimestamps|>. After a longer one its first words are missing, after a shorter one its end.
    """
    tokenizer, vocabulary = make_tokenizer(BYTE_TOKENS)
    tokens: list[int] = tokenizer.encode(" " + sentence, add_special_tokens=False).ids
    width = max(128, (len(tokens) + prompt_tokens + 8) // 8 * 8)
    spec = whisper_spec.WhisperSpec(1, _HEADS, 1, _HEADS)
    _fill_encoder(spec.encoder, width)
    end = vocabulary.index("<|endoftext|>")
    projection = _projection(tokens, end, len(vocabulary), width, prompt_tokens)
    _fill_decoder(spec.decoder, width, projection)
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids, spec.config.lang_ids = [], []
    spec.config.suppress_ids_begin, spec.config.alignment_heads = [end], [[0, 0]]
    return save_model(spec, tokenizer, out_dir)


def _projection(
    tokens: list[int], end: int, vocabulary_size: int, width: int, prompt_tokens: int
) -> Weights:
    """The prompt's last position gives the first word."""
    projection = _zeros(vocabulary_size, width)
    for place, token in enumerate(tokens):
        projection[token, place + prompt_tokens - 1] = _CERTAIN
    projection[end, len(tokens) + prompt_tokens - 1 :] = _CERTAIN
    return projection


def _fill_encoder(encoder: Any, width: int) -> None:
    encoder.conv1.weight, encoder.conv1.bias = _zeros(width, MEL_BANDS, 3), _zeros(width)
    encoder.conv2.weight, encoder.conv2.bias = _zeros(width, width, 3), _zeros(width)
    encoder.position_encodings.encodings = position_encodings(width)
    _normalise(encoder.layer_norm, width)
    _zero_layer(encoder.layer[0], width)


def _fill_decoder(decoder: Any, width: int, projection: Weights) -> None:
    decoder.embeddings.weight = np.zeros_like(projection)
    positions = _zeros(DECODER_POSITIONS, width)
    for place in range(DECODER_POSITIONS):
        positions[place, min(place, width - 1)] = 1.0
    decoder.position_encodings.encodings = positions
    _normalise(decoder.layer_norm, width)
    _zero_layer(decoder.layer[0], width)
    _zero_attention(decoder.layer[0].attention, width, sees_itself=False)
    decoder.projection.weight = projection


def _zero_layer(layer: Any, width: int) -> None:
    _zero_attention(layer.self_attention, width, sees_itself=True)
    _normalise(layer.ffn.layer_norm, width)
    _zero_linear(layer.ffn.linear_0, 4 * width, width)
    _zero_linear(layer.ffn.linear_1, width, 4 * width)


def _zero_attention(attention: Any, width: int, *, sees_itself: bool) -> None:
    _normalise(attention.layer_norm, width)
    outputs = [3 * width, width] if sees_itself else [width, 2 * width, width]
    for linear, output in zip(attention.linear, outputs, strict=False):
        _zero_linear(linear, output, width)


def _zero_linear(linear: Any, outputs: int, inputs: int) -> None:
    linear.weight, linear.bias = _zeros(outputs, inputs), _zeros(outputs)


def _normalise(norm: Any, width: int) -> None:
    norm.gamma, norm.beta = np.ones(width, np.float32), _zeros(width)


def _zeros(*shape: int) -> Weights:
    return np.zeros(shape, np.float32)
