"""Silero, streamed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio import vad
from audio.pcm import Samples
from audio.resample import resample
from audio.vad import (
    HELD_WINDOWS,
    QUIET_PEAK,
    WINDOW_SAMPLES,
    VadModel,
    VadModelError,
    VadState,
    VadStream,
    VadWindow,
    embedded_model_path,
)
from audio.wavfile import read_wav
from tests.audio.sounds import clicks, noise_bursts, silence, tone, white_noise

SPEECH_DIR = Path(__file__).parents[1] / "speech"


class ScriptedModel(VadModel):
    """Answers the given probabilities in turn instead of listening."""

    def __init__(self, probabilities: list[float]) -> None:
        self._probabilities = iter(probabilities)

    def judge(self, windows: Samples, state: VadState) -> tuple[Samples, VadState]:
        assert windows.shape[1:] == (WINDOW_SAMPLES,)
        assert windows.dtype == np.float32
        found = [next(self._probabilities) for _ in windows]
        return np.array(found, np.float32), state


def judge_all(model: VadModel, samples: Samples) -> list[float]:
    return [window.probability for window in VadStream(model).push(samples)]


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=12))
@settings(deadline=None)
def test_chunks_of_any_size_are_cut_into_the_same_windows(sizes: list[int]) -> None:
    total = sum(sizes)
    stream = VadStream(ScriptedModel([0.0] * total))
    sound = np.arange(total, dtype=np.float32)
    windows = []
    start = 0
    for size in sizes:
        windows += stream.push(sound[start : start + size])
        start += size
    assert [window.start_sample for window in windows] == list(range(0, total - 511, 512))
    for window in windows:
        assert np.array_equal(window.samples, sound[window.start_sample : window.end_sample])


def test_speech_begins_at_the_onset_and_lasts_to_the_release() -> None:
    probabilities = [0.49, 0.5, 0.38, 0.375, 0.37, 0.4, 0.51]
    stream = VadStream(ScriptedModel(probabilities), onset=0.5, release=0.375)
    windows = stream.push(silence(1.0)[: 7 * WINDOW_SAMPLES])
    assert [window.probability for window in windows] == pytest.approx(probabilities)
    assert [w.is_speech for w in windows] == [False, True, True, True, False, False, True]
    assert [w.is_clear for w in windows] == [True, True, False, False, True, True, True]


@pytest.mark.parametrize(("onset", "release"), [(0.5, 0.6), (1.1, 0.5), (0.5, 0.0)])
def test_thresholds_out_of_order_are_refused(onset: float, release: float) -> None:
    with pytest.raises(ValueError, match="onset"):
        VadStream(ScriptedModel([]), onset, release)


def test_a_window_keeps_no_larger_array_alive() -> None:
    windows = VadStream(ScriptedModel([0.0] * 40)).push(silence(1.0))
    assert all(window.samples.base is None for window in windows)


def test_a_flush_judges_the_rest_filled_up_with_silence() -> None:
    stream = VadStream(ScriptedModel([0.0] * 9))
    assert stream.flush() == []
    stream.push(np.ones(700, np.float32))
    (window,) = stream.flush()
    assert window.start_sample == WINDOW_SAMPLES
    assert window.samples.sum() == 700 - WINDOW_SAMPLES
    assert stream.push(silence(0.032))[0].start_sample == 2 * WINDOW_SAMPLES


def test_a_reset_forgets_the_sound_but_not_the_time(vad_model: VadModel) -> None:
    noise = white_noise(0.5)
    stream = VadStream(vad_model)
    first = stream.push(noise)
    stream.reset()
    again = stream.push(noise)
    assert [w.probability for w in again] == [w.probability for w in first]
    assert again[0].start_sample == len(noise)


def in_frames(model: VadModel, sound: Samples, *, may_wait: bool) -> list[VadWindow]:
    """As a microphone sends it, 20 ms at a time, and no window later than promised."""
    stream, windows = VadStream(model), []
    for end in range(320, len(sound) + 1, 320):
        windows += stream.push(sound[end - 320 : end], may_wait=may_wait)
        assert end - len(windows) * WINDOW_SAMPLES < HELD_WINDOWS * WINDOW_SAMPLES
    return windows + stream.flush()


def test_windows_that_were_held_are_judged_exactly_as_at_once(vad_model: VadModel) -> None:
    """In silence, a quiet room, speech and a whisper: the same sound, times and probabilities."""
    told = read_wav(SPEECH_DIR / "question-1.wav")
    spoken = resample(told.samples, told.rate_hz, 16_000)
    room = white_noise(1.1, 0.001)
    sound = np.concatenate([silence(2.05), room, spoken, room, spoken / 50, silence(0.7)])
    at_once = in_frames(vad_model, sound, may_wait=False)
    held = in_frames(vad_model, sound, may_wait=True)
    assert any(window.is_speech for window in at_once)
    assert len(held) == len(at_once)
    for one, other in zip(held, at_once, strict=True):
        assert (one.start_sample, one.probability) == (other.start_sample, other.probability)
        assert one.is_speech == other.is_speech
        assert np.array_equal(one.samples, other.samples)


def test_windows_in_one_call_get_what_each_would_get_alone(vad_model: VadModel) -> None:
    told = read_wav(SPEECH_DIR / "question-1.wav")
    windows = resample(told.samples, told.rate_hz, 16_000)[: 40 * WINDOW_SAMPLES].reshape(40, -1)
    together, last = vad_model.judge(windows, VadState.fresh())
    state, alone = VadState.fresh(), []
    for window in windows:
        probabilities, state = vad_model.judge(window[np.newaxis], state)
        alone += list(probabilities)
    assert alone == list(together)
    assert max(alone) > 0.9
    assert all(np.array_equal(one, other) for one, other in zip(state, last, strict=True))


def test_quiet_windows_are_judged_together_and_a_loud_one_at_once() -> None:
    stream = VadStream(ScriptedModel([0.0] * 20))
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    counts = [len(stream.push(window, may_wait=True)) for _ in range(HELD_WINDOWS)]
    assert counts == [0] * (HELD_WINDOWS - 1) + [HELD_WINDOWS]
    assert stream.push(window, may_wait=True) == []
    assert len(stream.push(window + np.float32(2 * QUIET_PEAK), may_wait=True)) == 2


def test_what_is_held_comes_out_when_it_may_wait_no_longer() -> None:
    """At a commit, and when an utterance has begun."""
    stream = VadStream(ScriptedModel([0.0] * 20))
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    assert stream.push(window, may_wait=True) == []
    assert len(stream.push(window)) == 2
    assert stream.push(window, may_wait=True) == []
    assert len(stream.flush()) == 1


def test_speech_that_becomes_quiet_is_not_held() -> None:
    """Its end is what an endpoint waits for."""
    stream = VadStream(ScriptedModel([0.9, 0.4, 0.1]))
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    loud = window + np.float32(0.5)
    assert [len(stream.push(each, may_wait=True)) for each in (loud, window, window)] == [1, 1, 1]


def test_a_reset_forgets_held_windows_but_not_their_time() -> None:
    stream = VadStream(ScriptedModel([0.0] * 9))
    stream.push(np.zeros(3 * WINDOW_SAMPLES + 5, np.float32), may_wait=True)
    stream.reset()
    (window,) = stream.push(np.zeros(WINDOW_SAMPLES, np.float32))
    assert window.start_sample == 3 * WINDOW_SAMPLES + 5


def test_streams_on_many_threads_share_one_model(vad_model: VadModel) -> None:
    sounds = [white_noise(2.0, level) for level in (0.01, 0.03, 0.1, 0.3)] * 4
    alone = [judge_all(vad_model, sound) for sound in sounds]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda sound: judge_all(vad_model, sound), sounds))
    assert together == alone


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(silence(4.0), id="digital silence"),
        pytest.param(white_noise(4.0, 0.001), id="faint white noise"),
        pytest.param(white_noise(4.0, 0.1), id="white noise"),
        pytest.param(white_noise(4.0, 1.0), id="clipped white noise"),
        pytest.param(clicks(4.0, every_ms=50), id="fast clicks"),
        pytest.param(clicks(4.0, every_ms=500), id="slow clicks"),
        pytest.param(noise_bursts(4.0, burst_ms=50), id="short bursts"),
        pytest.param(noise_bursts(4.0, burst_ms=300), id="long bursts"),
        pytest.param(tone(440, 4.0), id="tone"),
        pytest.param(silence(4.0) + np.float32(0.5), id="DC offset"),
        pytest.param(np.tile(np.array([1, -1], np.float32), 32_000), id="full-scale square"),
    ],
)
def test_what_is_no_voice_is_never_speech(vad_model: VadModel, sound: Samples) -> None:
    assert not any(window.is_speech for window in VadStream(vad_model).push(sound))


def test_the_model_is_found_without_importing_its_package() -> None:
    script = (
        "import sys; from audio.vad import VadModel; VadModel(); "
        "sys.exit('faster_whisper' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_without_its_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vad, "find_spec", lambda name: None)
    with pytest.raises(VadModelError, match=r"make run.*pip install faster-whisper"):
        embedded_model_path()


def test_a_package_without_the_file_is_the_same_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = ModuleSpec("faster_whisper", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(vad, "find_spec", lambda name: spec)
    with pytest.raises(VadModelError, match=r"silero_vad_v6\.onnx"):
        VadModel()


@pytest.mark.parametrize(
    ("content", "cause"), [(None, "cannot be read"), (b"", "empty"), (b"nonsense" * 99, "no ONNX")]
)
def test_a_bad_model_file_is_named_with_its_cause(
    tmp_path: Path, content: bytes | None, cause: str
) -> None:
    path = tmp_path / "damaged.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VadModelError, match=f"damaged.onnx.*{cause}"):
        VadModel(path)


def test_a_cut_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(embedded_model_path().read_bytes()[:600_000])
    with pytest.raises(VadModelError, match=r"cut\.onnx is no ONNX model"):
        VadModel(path)


def test_another_networks_file_is_refused_naming_its_inputs(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    same = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "other", [value], [same])
    model = onnx.helper.make_model(
        graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)]
    )
    path = tmp_path / "other.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(VadModelError, match=r"takes \['x'\]"):
        VadModel(path)
