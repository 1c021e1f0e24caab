"""What every made Whisper model needs beside its weights: a byte tokenizer and a preprocessor
file.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

Weights = NDArray[np.float32]
BYTE_TOKENS = 259
"""256 bytes and 3 merges: the smallest vocabulary that faster-whisper can use."""
ENGLISH_TOKENS = 50_256
MEL_BANDS = 80
ENCODER_POSITIONS = 1500
DECODER_POSITIONS = 448
_TIMESTAMPS = 1501


def make_tokenizer(text_tokens: int) -> tuple[Any, list[str]]:
    """A tokenizer of single bytes and its vocabulary in id order, in the layout of Whisper's .en
    models.

    faster-whisper suppresses encode(" -")[0] and its like; without the three merges that token
    would be the bare space, and every space would be suppressed.
    """
    vocabulary = {
        char: number for number, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    merges = [("\u0120", "-"), ("\u0120", "'"), ("\u0120", "\u00e2")]
    for first, second in merges:
        vocabulary[first + second] = len(vocabulary)
    for number in range(len(vocabulary), text_tokens):
        vocabulary[f"filler{number}"] = number
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = [
        *_special_tokens(text_tokens),
        *(f"<|{step * 0.02:.2f}|>" for step in range(_TIMESTAMPS)),
    ]
    tokenizer.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in names])
    in_order = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return tokenizer, [token for token, _ in in_order]


def _special_tokens(text_tokens: int) -> list[str]:
    languages = [
        f"<|lang{number}|>" for number in range(99 if text_tokens == ENGLISH_TOKENS else 0)
    ]
    return [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *languages,
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]


def position_encodings(width: int) -> Weights:
    """The encoder's fixed sinusoids, (1500, width)."""
    rates = np.exp(-np.log(10_000) / (width // 2 - 1) * np.arange(width // 2))
    angles = np.arange(ENCODER_POSITIONS)[:, None] * rates[None]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def save_model(spec: Any, tokenizer: Any, out_dir: Path) -> Path:
    """Writes an int8 model folder that faster-whisper loads offline."""
    spec.validate()
    spec.optimize(quantization="int8")
    out_dir.mkdir(parents=True, exist_ok=True)
    spec.save(str(out_dir))
    tokenizer.save(str(out_dir / "tokenizer.json"))
    preprocessor = {
        "feature_size": MEL_BANDS,
        "sampling_rate": 16_000,
        "hop_length": 160,
        "chunk_length": 30,
        "n_fft": 400,
    }
    (out_dir / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return out_dir
