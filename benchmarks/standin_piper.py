"""Makes a stand-in for a Piper "medium" voice: its true layers and sizes, random weights.

For timing where no voice can be fetched: its compute is a medium voice's, its sound is noise. Two
parts are left out, less than 2% of the multiplications: the encoder's relative positions and the
stochastic duration predictor (each phoneme id lasts FRAMES_PER_ID instead, as English does on
average). Built from onnx and numpy alone; 60 MB in float32 for the real ones' 63.

    python -m benchmarks.standin_piper FOLDER/en_US-standin-medium.onnx
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE_HZ: Final = 22_050
FRAMES_PER_ID: Final = 2.3
"""Of 256 samples: 37 ids a second, for Piper puts a pad behind each phoneme and stress mark."""

_SYMBOLS: Final = 256
_CHANNELS: Final = 192
_HEADS: Final = 2
_ENCODER_LAYERS: Final = 6
_FILTER_CHANNELS: Final = 768
_FLOWS: Final = 4
_FLOW_LAYERS: Final = 4
_UPSAMPLES: Final = ((256, 128, 8, 16), (128, 64, 8, 16), (64, 32, 4, 8))
"""Channels in and out, stride, kernel: 8 * 8 * 4 = 256 samples a frame."""
_RESIDUALS: Final = ((3, (1, 2)), (5, (2, 6)), (7, (3, 12)))
"""Kernel and the dilations of its two convolutions (VITS resblock 2)."""


class Network:
    """Grows a graph; every method adds nodes and gives back the name of their result."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """One node with one output."""
        return self.nodes_out(kind, inputs, 1, **attributes)[0]

    def nodes_out(
        self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any
    ) -> list[str]:
        """One node with several outputs."""
        names = [f"{kind.lower()}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, value: NDArray[np.generic] | float | Sequence[int]) -> str:
        """Python floats become float32, sequences of int int64."""
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def random(self, *shape: int) -> str:
        """Scaled by the inputs of each output, so that signals keep their size."""
        scale = 1 / np.sqrt(np.prod(shape[1:]))
        return self.constant((self._random.standard_normal(shape) * scale).astype(np.float32))

    def convolution(
        self, signal: str, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1
    ) -> str:
        """Same length in and out, with bias."""
        pad = dilation * (kernel - 1) // 2
        weights = [self.random(outputs, inputs, kernel), self.constant(np.zeros(outputs))]
        return self.node(
            "Conv",
            [signal, *weights],
            kernel_shape=[kernel],
            dilations=[dilation],
            pads=[pad, pad],
        )

    def normalised(self, signal: str) -> str:
        """Layer norm over the channels of (1, channels, time)."""
        turned = self.node("Transpose", [signal], perm=[0, 2, 1])
        scale, bias = self.constant(np.ones(_CHANNELS)), self.constant(np.zeros(_CHANNELS))
        normal = self.node("LayerNormalization", [turned, scale, bias], axis=-1)
        return self.node("Transpose", [normal], perm=[0, 2, 1])

    def halves(self, signal: str, half: int) -> list[str]:
        """Two equal groups of channels."""
        return self.nodes_out("Split", [signal, self.constant([half, half])], 2, axis=1)


def _encoder(net: Network) -> str:
    """Phoneme ids to (1, 192, ids)."""
    embedded = net.node("Gather", [net.random(_SYMBOLS, _CHANNELS), "input"])
    signal = net.node("Transpose", [embedded], perm=[0, 2, 1])
    for _ in range(_ENCODER_LAYERS):
        attended = _attention(net, signal)
        signal = net.normalised(net.node("Add", [signal, attended]))
        wide = net.node("Relu", [net.convolution(signal, _CHANNELS, _FILTER_CHANNELS, 3)])
        narrow = net.convolution(wide, _FILTER_CHANNELS, _CHANNELS, 3)
        signal = net.normalised(net.node("Add", [signal, narrow]))
    return signal


def _attention(net: Network, signal: str) -> str:
    size = _CHANNELS // _HEADS
    split = net.constant([1, _HEADS, size, -1])
    query, key, value = (
        net.node("Reshape", [net.convolution(signal, _CHANNELS, _CHANNELS), split])
        for _ in range(3)
    )
    turned = net.node("Transpose", [query], perm=[0, 1, 3, 2])
    scaled = net.node("Mul", [turned, net.constant(size**-0.5)])
    weights = net.node("Softmax", [net.node("MatMul", [scaled, key])], axis=-1)
    mixed = net.node("MatMul", [value, net.node("Transpose", [weights], perm=[0, 1, 3, 2])])
    joined = net.node("Reshape", [mixed, net.constant([1, _CHANNELS, -1])])
    return net.convolution(joined, _CHANNELS, _CHANNELS)


def _frames(net: Network, encoded: str) -> str:
    """The encoder's means and deviations, one stretch of frames per id, with noise: (1, 192, t)."""
    means, deviations = net.halves(net.convolution(encoded, _CHANNELS, 2 * _CHANNELS), _CHANNELS)
    index = _frame_index(net)
    means, deviations = (net.node("Gather", [part, index], axis=2) for part in (means, deviations))
    noise_scale = net.node("Gather", ["scales", net.constant(np.array(0))])
    noise = net.node("Mul", [net.node("RandomNormalLike", [means]), noise_scale])
    return net.node("Add", [means, net.node("Mul", [noise, net.node("Exp", [deviations])])])


def _frame_index(net: Network) -> str:
    """Which id each frame belongs to; the length scale stretches them all."""
    length_scale = net.node("Gather", ["scales", net.constant(np.array(1))])
    stretch = net.node("Mul", [length_scale, net.constant(FRAMES_PER_ID)])
    ids = net.node("Cast", ["input_lengths"], to=TensorProto.FLOAT)
    count = net.node("Squeeze", [net.node("Mul", [ids, stretch])])
    whole = net.node("Floor", [count])
    positions = net.node("Range", [net.constant(0.0), whole, net.constant(1.0)])
    return net.node(
        "Cast", [net.node("Floor", [net.node("Div", [positions, stretch])])], to=TensorProto.INT64
    )


def _flow(net: Network, signal: str) -> str:
    """Four coupling layers, run backwards as at synthesis."""
    half = _CHANNELS // 2
    backwards = net.constant(np.arange(_CHANNELS)[::-1].copy())
    for _ in range(_FLOWS):
        kept, moved = net.halves(net.node("Gather", [signal, backwards], axis=1), half)
        hidden = _gated_layers(net, net.convolution(kept, half, _CHANNELS))
        shift = net.convolution(hidden, _CHANNELS, half)
        signal = net.node("Concat", [kept, net.node("Sub", [moved, shift])], axis=1)
    return signal


def _gated_layers(net: Network, signal: str) -> str:
    """WaveNet layers: kernel 5, no dilation, the last one without a residual."""
    total = ""
    for layer in range(_FLOW_LAYERS):
        pair = net.halves(net.convolution(signal, _CHANNELS, 2 * _CHANNELS, 5), _CHANNELS)
        gated = net.node("Mul", [net.node("Tanh", pair[:1]), net.node("Sigmoid", pair[1:])])
        if layer == _FLOW_LAYERS - 1:
            return net.node("Add", [total, net.convolution(gated, _CHANNELS, _CHANNELS)])
        both = net.convolution(gated, _CHANNELS, 2 * _CHANNELS)
        residual, skip = net.halves(both, _CHANNELS)
        signal = net.node("Add", [signal, residual])
        total = net.node("Add", [total, skip]) if total else skip
    raise AssertionError("a flow has at least one layer")


def _generator(net: Network, signal: str) -> str:
    """HiFi-GAN: frames to samples, (1, 1, 256 t), within [-1, 1]."""
    signal = net.convolution(signal, _CHANNELS, _UPSAMPLES[0][0], 7)
    for inputs, outputs, stride, kernel in _UPSAMPLES:
        pad = (kernel - stride) // 2
        active = net.node("LeakyRelu", [signal], alpha=0.1)
        weights = [net.random(inputs, outputs, kernel), net.constant(np.zeros(outputs))]
        signal = net.node(
            "ConvTranspose",
            [active, *weights],
            kernel_shape=[kernel],
            strides=[stride],
            pads=[pad, pad],
        )
        parts = [_residual(net, signal, outputs, *shape) for shape in _RESIDUALS]
        signal = net.node("Mul", [net.node("Sum", parts), net.constant(1 / len(parts))])
    last = net.convolution(net.node("LeakyRelu", [signal]), _UPSAMPLES[-1][1], 1, 7)
    return net.node("Tanh", [last])


def _residual(
    net: Network, signal: str, channels: int, kernel: int, dilations: tuple[int, ...]
) -> str:
    for dilation in dilations:
        active = net.node("LeakyRelu", [signal], alpha=0.1)
        moved = net.convolution(active, channels, channels, kernel, dilation)
        signal = net.node("Add", [signal, moved])
    return signal


def build() -> onnx.ModelProto:
    """The network in the Piper ONNX contract: input, input_lengths, scales to output."""
    net = Network()
    sound = _generator(net, _flow(net, _frames(net, _encoder(net))))
    net.nodes.append(helper.make_node("Identity", [sound], ["output"]))
    graph = helper.make_graph(
        net.nodes,
        "standin_medium_voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, ["batch_size", "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch_size"]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch_size", 1, "time"])],
        net.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def make_standin_voice(voice_path: Path) -> Path:
    """Write NAME.onnx and NAME.onnx.json."""
    settings = {
        "audio": {"sample_rate": RATE_HZ, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_symbols": _SYMBOLS,
        "num_speakers": 1,
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "speaker_id_map": {},
    }
    onnx.save(build(), str(voice_path))
    text = json.dumps(settings, ensure_ascii=False)
    voice_path.with_name(voice_path.name + ".json").write_text(text, "utf-8")
    return voice_path


def main() -> None:
    """Write the voice where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voice", type=Path, help="the file to write, NAME.onnx")
    path = make_standin_voice(parser.parse_args().voice)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
