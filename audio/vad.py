"""Silero voice activity, one 32 ms window at a time. Decides no turns: endpoint.py does.

The model is the ONNX file inside the faster-whisper wheel (v6). A window costs 0.06 ms on one core
when the processor's caches are warm, and several times that once in 32 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as UnknownOperator,
)

from audio.pcm import Samples

VAD_RATE_HZ: Final = 16_000
WINDOW_SAMPLES: Final = 512
HELD_WINDOWS: Final = 8
"""Quiet windows that are judged in one call when nothing waits for them: 256 ms."""
QUIET_PEAK: Final = 0.01
"""-40 dBFS: what is louder is judged at once. It decides when, not what."""
_CONTEXT_SAMPLES: Final = 64
_STATE_SHAPE: Final = (1, 1, 128)
_MODEL_INPUTS: Final = {"input", "h", "c"}
_CARRIER: Final = "faster_whisper"
_MODEL_FILE: Final = "assets/silero_vad_v6.onnx"
_ONNX_ERRORS: Final = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, UnknownOperator)


class VadModelError(RuntimeError):
    """The model file is missing or is not Silero v6; the message says what to do."""


@dataclass(frozen=True, slots=True)
class VadWindow:
    """One judged window of a stream."""

    start_sample: int
    """At 16 kHz, from the start of the stream."""
    samples: Samples
    """The 512 new samples, owned: it keeps no larger array alive."""
    probability: float
    is_speech: bool
    """After hysteresis."""
    is_clear: bool = True
    """Not between release and onset, where noise makes the model linger after the last word."""

    @property
    def end_sample(self) -> int:
        """The first sample after the window."""
        return self.start_sample + WINDOW_SAMPLES


class VadState(NamedTuple):
    """What the model carries from window to window, float32."""

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32]
    context: Samples

    @classmethod
    def fresh(cls) -> VadState:
        """The state before the first window: all zeros."""
        zeros = np.zeros(_STATE_SHAPE, dtype=np.float32)
        return cls(zeros, zeros, np.zeros(_CONTEXT_SAMPLES, dtype=np.float32))


class VadModel:
    """The loaded network. One serves every stream and thread: it keeps no state between calls."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises VadModelError. Without a path, the file that the faster-whisper wheel carries."""
        self.path = embedded_model_path() if path is None else path
        self._session = _open_session(self.path)
        inputs = {given.name for given in self._session.get_inputs()}
        if inputs != _MODEL_INPUTS:
            raise _model_error(self.path, f"takes {sorted(inputs)}, not {sorted(_MODEL_INPUTS)}")

    def judge(self, windows: Samples, state: VadState) -> tuple[Samples, VadState]:
        """Speech probabilities of windows that follow each other, and the state for the next one.

        Takes (n, 512) at 16 kHz, n at least 1. One window a call gives exactly the same.
        """
        overlapping = np.empty((len(windows), _CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        overlapping[:, _CONTEXT_SAMPLES:] = windows
        overlapping[0, :_CONTEXT_SAMPLES] = state.context
        overlapping[1:, :_CONTEXT_SAMPLES] = windows[:-1, -_CONTEXT_SAMPLES:]
        probabilities, hidden, cell = self._session.run(
            None, {"input": overlapping, "h": state.hidden, "c": state.cell}
        )
        context = windows[-1, -_CONTEXT_SAMPLES:].copy()
        return probabilities.reshape(-1), VadState(hidden, cell, context)


class VadStream:
    """Cuts one 16 kHz stream into windows and judges each. For one thread at a time.

    Speech begins at a probability of `onset` and lasts until one below `release`, which keeps weak
    word ends inside. 0.5 and 0.15 lower are the values of Silero's own iterator.
    """

    def __init__(self, model: VadModel, onset: float = 0.5, release: float = 0.35) -> None:
        if not 0.0 < release <= onset <= 1.0:
            raise ValueError(
                f"release {release} and onset {onset} must satisfy 0 < release <= onset <= 1"
            )
        self._model = model
        self._onset = onset
        self._release = release
        self._next_sample = 0
        self._parts: list[Samples] = []
        """Sound that was not judged yet: held windows and a rest."""
        self._unjudged_samples = 0
        self._quiet_samples = 0
        """Of the sound that was not judged, from its start: held windows, all of them quiet."""
        self._state = VadState.fresh()
        self._is_speech = False

    def push(self, samples: Samples, *, may_wait: bool = False) -> list[VadWindow]:
        """The windows completed by any number of new samples; the rest, under 512, waits.

        The samples are kept until then and must not be changed. With `may_wait`, quiet windows
        are held until one that is not, HELD_WINDOWS at most, and judged in one call, which costs
        a silent session a third. The same windows come out, up to 224 ms later.
        """
        self._parts.append(samples)
        self._unjudged_samples += len(samples)
        whole = self._unjudged_samples - self._unjudged_samples % WINDOW_SAMPLES
        if not whole or (may_wait and whole == self._quiet_samples):
            return []
        joined = np.concatenate(self._parts, dtype=np.float32)
        if may_wait and self._may_hold(joined, whole):
            self._parts, self._quiet_samples = [joined], whole
            return []
        self._parts = [joined[whole:].copy()]
        self._unjudged_samples -= whole
        self._quiet_samples = 0
        return self._judge(joined[:whole].reshape(-1, WINDOW_SAMPLES))

    def flush(self) -> list[VadWindow]:
        """The waiting rest as a window filled up with silence, which counts in its time."""
        missing = -self._unjudged_samples % WINDOW_SAMPLES
        return self.push(np.zeros(missing, dtype=np.float32))

    def reset(self) -> None:
        """Forget the sound so far, the waiting rest too; the stream's time goes on."""
        self._next_sample += self._unjudged_samples
        self._parts, self._unjudged_samples, self._quiet_samples = [], 0, 0
        self._state = VadState.fresh()
        self._is_speech = False

    def _may_hold(self, joined: Samples, whole: int) -> bool:
        if self._is_speech or whole >= HELD_WINDOWS * WINDOW_SAMPLES:
            return False
        new = joined[self._quiet_samples : whole]
        return bool(max(new.max(), -new.min()) < QUIET_PEAK)

    def _judge(self, windows: Samples) -> list[VadWindow]:
        judged = []
        for start in range(0, len(windows), HELD_WINDOWS):
            batch = windows[start : start + HELD_WINDOWS]
            probabilities, self._state = self._model.judge(batch, self._state)
            for window, probability in zip(batch, probabilities, strict=True):
                judged.append(self._decided(window.copy(), float(probability)))
        return judged

    def _decided(self, window: Samples, probability: float) -> VadWindow:
        self._is_speech = probability >= (self._release if self._is_speech else self._onset)
        start_sample = self._next_sample
        self._next_sample += WINDOW_SAMPLES
        is_clear = probability >= self._onset or not self._is_speech
        return VadWindow(start_sample, window, probability, self._is_speech, is_clear)


def embedded_model_path() -> Path:
    """Where the wheel keeps the model, found without importing it (that takes half a second).

    Raises VadModelError when the package or the file is absent.
    """
    spec = find_spec(_CARRIER)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / _MODEL_FILE
        if path.is_file():
            return path
    raise VadModelError(
        f"The voice activity model is missing: no {_MODEL_FILE} in an installed faster-whisper "
        "package (1.2 or later). Install it with `make run`, or `pip install faster-whisper`."
    )


def _open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _model_error(path, f"cannot be read: {error.strerror}") from error
    if not content:
        raise _model_error(path, "is empty")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _ONNX_ERRORS as error:
        raise _model_error(path, f"is no ONNX model: {type(error).__name__}") from error


def _model_error(path: Path, cause: str) -> VadModelError:
    return VadModelError(
        f"{path} {cause}. Give the path of silero_vad_v6.onnx, or none to use the one inside "
        "faster-whisper; `pip install --force-reinstall faster-whisper` restores that."
    )
