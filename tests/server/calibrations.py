"""Calibrations, and a stopwatch and a clock that follow a script: no test waits or times."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from server.calibration.noise import Processors
from server.calibration.record import (
    CalibratedStage,
    Calibration,
    Crop,
    CropStep,
    Identity,
    LeftOut,
    Load,
    Machine,
    StageCalibration,
    this_machine,
)
from server.calibration.run import Calibrator
from server.calibration.subjects import CALLERS_MAXIMUM, Subject
from server.calibration.timing import ThreadStopwatch, Work
from server.settings import Settings
from tests.model_makers.canned_whisper import make_canned_whisper

MACHINE = Machine("a CPU", 2)
HEARS = Identity(CalibratedStage.STT, "whisper", "abc", ("ctranslate2 1",))
SPEAKS = Identity(CalibratedStage.TTS, "piper", "def", ("onnxruntime 1",))
CROP = Crop(384, "why", (CropStep(256, 9, 1, 0), CropStep(384, 9, 0, 0)))
WHEN = "2026-01-02T03:04:05+00:00"
STT = StageCalibration(
    HEARS, WHEN, 0.1, 2, 3, "why", (Load(1, 1, 5, 200.0), Load(2, 1, 5, 120.0)), CROP
)
TTS = StageCalibration(SPEAKS, WHEN, None, 1, 2, "why", (Load(1, 1, 5, 80.0),))
FINDS = Identity(CalibratedStage.SEARCH, "minilm", "wheel", ())
MADE = Calibration(MACHINE, 12.5, (STT, TTS), (LeftOut(FINDS, "was slow"),))


@dataclass(slots=True)
class ScriptedTime:
    """Stopwatch and clock in one: a round of (threads, callers) takes as long as is written."""

    seconds: Mapping[tuple[int, int], float | list[float]]
    now_s: float = 0.0
    rounds: list[tuple[int, int]] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    _threads: dict[int, int] = field(default_factory=dict)
    _works: list[Work] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def make(self, threads: int) -> Work:
        def work() -> None:
            """Only its identity matters."""

        self._threads[id(work)] = threads
        self._works.append(work)
        self.made.append(threads)
        return work

    def round_s(self, work: Work, callers: int) -> float:
        key = (self._threads[id(work)], callers)
        written = self.seconds[key]
        took_s = written if isinstance(written, float) else written[self.rounds.count(key)]
        self.rounds.append(key)
        self.now_s += took_s
        return took_s


def quiet() -> Processors:
    """Nobody else ever works."""
    return Processors(0.0, 0.0, 0.0)


def calibrate_patiently(subjects: Sequence[Subject], say: Callable[[str], None]) -> Calibration:
    """Measure true engines as if on a quiet machine with all the time in the world."""
    with ThreadStopwatch(CALLERS_MAXIMUM) as stopwatch:
        return Calibrator(stopwatch, say, this_machine(), lambda: 0.0, quiet).run(subjects)


def install_whisper(settings: Settings, sentence: str) -> None:
    """Put a canned Whisper where a fetched base.en lies, with the files that the hub has."""
    folder = make_canned_whisper(settings.models_dir / "base.en", sentence)
    words = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.txt").write_text("\n".join(words))


def ticking(*times_s: float) -> Callable[[], float]:
    """A clock that tells these times, one a call."""
    left = iter(times_s)
    return lambda: next(left)
