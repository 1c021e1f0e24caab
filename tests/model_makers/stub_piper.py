"""Writes a voice of 3 KB in the Piper ONNX contract: one pure tone per phoneme, silent at spaces.

The real Piper code loads and runs it, so its path is tested with nothing downloaded; its sound
means nothing. Built from onnx and numpy alone.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

SYMBOLS = 256
SILENT_SYMBOLS = [0, 1, 2, 3]
"""Pad, start, end and space in Piper's map."""


def make_stub_voice(
    voice_path: Path,
    rate_hz: int = 16_000,
    tone_samples: int = 800,
    amplitude: float = 0.3,
    has_durations: bool = False,
) -> Path:
    """Write NAME.onnx and NAME.onnx.json; every phoneme lasts `tone_samples` at length scale 1.

    With durations it rounds them up inside, as VITS does, in hops of 256 samples.
    """
    onnx.save(_network(rate_hz, tone_samples, amplitude, has_durations), str(voice_path))
    settings = json.dumps(voice_settings(rate_hz), ensure_ascii=False)
    voice_path.with_name(voice_path.name + ".json").write_text(settings, "utf-8")
    return voice_path


def voice_settings(rate_hz: int) -> dict[str, object]:
    """What stands in the JSON beside a single-speaker English Piper voice."""
    return {
        "audio": {"sample_rate": rate_hz},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_symbols": SYMBOLS,
        "num_speakers": 1,
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "speaker_id_map": {},
    }


def _network(
    rate_hz: int, tone_samples: int, amplitude: float, has_durations: bool
) -> onnx.ModelProto:
    graph = helper.make_graph(
        [*_nodes(), *(_duration_nodes() if has_durations else [])],
        "stub_voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, ["batch_size", "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch_size"]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch_size", 1, "time"])],
        _constants(rate_hz, tone_samples, amplitude),
    )
    opset = [helper.make_opsetid("", 15)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    return model


def _constants(rate_hz: int, tone_samples: int, amplitude: float) -> list[onnx.TensorProto]:
    tones_hz = 120 + 7 * np.arange(SYMBOLS, dtype=np.float32)
    loudness = np.full(SYMBOLS, amplitude, np.float32)
    loudness[SILENT_SYMBOLS] = 0
    values = {
        "radians": tones_hz * np.float32(2 * np.pi / rate_hz),
        "loudness": loudness,
        "tone_samples": np.array(tone_samples, np.float32),
        "hop_samples": np.array(256, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "length_position": np.array(1, np.int64),
        "last_axis": np.array([2], np.int64),
        "shape": np.array([1, 1, -1], np.int64),
    }
    return [numpy_helper.from_array(value, name) for name, value in values.items()]


def _nodes() -> list[onnx.NodeProto]:
    """sin(radians[phoneme] * t) * loudness[phoneme], one stretch after the other."""
    steps: list[tuple[str, list[str], str]] = [
        ("Gather", ["scales", "length_position"], "length_scale"),
        ("Mul", ["tone_samples", "length_scale"], "stretch"),
        ("Range", ["zero", "stretch", "one"], "times"),
        ("Gather", ["radians", "input"], "speeds"),
        ("Unsqueeze", ["speeds", "last_axis"], "speed_rows"),
        ("Mul", ["speed_rows", "times"], "phases"),
        ("Sin", ["phases"], "waves"),
        ("Gather", ["loudness", "input"], "loudnesses"),
        ("Unsqueeze", ["loudnesses", "last_axis"], "loudness_rows"),
        ("Mul", ["waves", "loudness_rows"], "tones"),
        ("Reshape", ["tones", "shape"], "sound"),
    ]
    nodes = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps]
    # Piper always feeds input_lengths, so the graph must use it: it adds nothing, times zero.
    nodes.append(helper.make_node("Cast", ["input_lengths"], ["lengths"], to=TensorProto.FLOAT))
    nodes.append(helper.make_node("Mul", ["lengths", "zero"], ["nothing"]))
    nodes.append(helper.make_node("Add", ["sound", "nothing"], ["output"]))
    return nodes


def _duration_nodes() -> list[onnx.NodeProto]:
    """Hops per phoneme, rounded up; nothing outside the network sees them."""
    return [
        helper.make_node("Cast", ["input"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "zero"], ["no_hops"]),
        helper.make_node("Div", ["stretch", "hop_samples"], ["hops"]),
        helper.make_node("Add", ["no_hops", "hops"], ["hops_each"]),
        helper.make_node("Ceil", ["hops_each"], ["durations"]),
    ]
