"""models/onnx_outputs.py: an inner tensor becomes an output by a few appended bytes."""

from pathlib import Path

import numpy as np
import onnxruntime
from hypothesis import given
from hypothesis import strategies as st

from models.onnx_outputs import with_output_of
from tests.model_makers.stub_piper import make_stub_voice


def test_the_network_runs_as_before_and_gives_the_tensor_too(tmp_path: Path) -> None:
    """The first output is the same; the second is the only Ceil's."""
    path = make_stub_voice(tmp_path / "stub.onnx", tone_samples=600, has_durations=True)
    network = path.read_bytes()
    given = {
        "input": np.array([[5, 6, 7]], np.int64),
        "input_lengths": np.array([3], np.int64),
        "scales": np.array([0.6, 1.0, 0.8], np.float32),
    }
    changed = with_output_of(network, "Ceil")
    assert changed is not None
    before = onnxruntime.InferenceSession(network).run(None, given)
    sound, durations = onnxruntime.InferenceSession(changed).run(None, given)
    assert np.array_equal(before[0], sound)
    assert durations.reshape(-1).tolist() == [3, 3, 3]


def test_no_such_node_or_several_change_nothing(tmp_path: Path) -> None:
    """Then it is not known which tensor is meant."""
    network = make_stub_voice(tmp_path / "stub.onnx").read_bytes()
    assert with_output_of(network, "Ceil") is None
    assert with_output_of(network, "Gather") is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Never an error: the caller loads what there is, and says what is wrong with it."""
    assert with_output_of(content, "Ceil") is None or content
