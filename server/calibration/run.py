"""`Calibrator`: measures subjects one after the other within a bounded time. It stores nothing.

About 20 s at most: past its share of them a stage starts no further measurement, so that what goes
beyond is the one load and the one round that were under way.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from server.calibration.crop import CropTrial
from server.calibration.noise import Processors, others_cores, read_processors
from server.calibration.record import (
    CalibratedStage,
    Calibration,
    Crop,
    LeftOut,
    Machine,
    StageCalibration,
    this_machine,
)
from server.calibration.subjects import CALLERS_MAXIMUM, Subject
from server.calibration.timing import Clock, NotMeasured, Stopwatch, ThreadStopwatch, Trial

STAGE_UNTIL_S: Final[Mapping[CalibratedStage, float]] = {
    CalibratedStage.SEARCH: 2.0,
    CalibratedStage.TTS: 8.0,
    CalibratedStage.STT: 20.0,
}
"""Since the start; in this order, so that a slow recogniser takes nobody else's time, and what one
stage does not need is the next one's.
"""
CROP_UNTIL_S: Final = 14.5
DEFAULT_MARGIN_FRAMES: Final = 256


def calibrate(subjects: Sequence[Subject], say: Callable[[str], None]) -> Calibration:
    """Measure this machine with these engines; blocks for 20 s at most, or one load longer."""
    with ThreadStopwatch(CALLERS_MAXIMUM) as stopwatch:
        return Calibrator(stopwatch, say, this_machine()).run(subjects)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """One run; the stopwatch and the clock are given, so that a test can script the time."""

    stopwatch: Stopwatch
    say: Callable[[str], None]
    machine: Machine
    clock: Clock = time.monotonic
    read: Callable[[], Processors] = read_processors

    def run(self, subjects: Sequence[Subject]) -> Calibration:
        """A stage that fails or for which the time was up is left out, and why is told."""
        started_at_s = self.clock()
        stages, left_out = [], []
        for subject in sorted(subjects, key=lambda one: STAGE_UNTIL_S[one.identity.stage]):
            identity = subject.identity
            self.say(f"Measuring {identity.stage}: {identity.engine}")
            try:
                stages.append(self._stage(subject, started_at_s))
            except NotMeasured as error:
                left_out.append(LeftOut(identity, f"was not measured: {error}"))
            except (RuntimeError, ValueError, OSError) as error:
                left_out.append(LeftOut(identity, f"failed: {type(error).__name__}: {error}"))
        took_s = round(self.clock() - started_at_s, 1)
        return Calibration(self.machine, took_s, tuple(stages), tuple(left_out))

    def _stage(self, subject: Subject, started_at_s: float) -> StageCalibration:
        before = self.read()
        crop = self._crop(subject, started_at_s + CROP_UNTIL_S)
        margin_frames = crop.margin_frames if crop else DEFAULT_MARGIN_FRAMES
        chosen = Trial(
            make=lambda threads: subject.make(threads, margin_frames),
            thread_counts=subject.thread_counts,
            callers_maximum=subject.callers_maximum,
            stopwatch=self.stopwatch,
            deadline_s=started_at_s + STAGE_UNTIL_S[subject.identity.stage],
            clock=self.clock,
        ).run()
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        return StageCalibration(
            subject.identity,
            made_at,
            others_cores(before, self.read()),
            chosen.threads,
            chosen.permits,
            chosen.why,
            chosen.loads,
            crop,
        )

    def _crop(self, subject: Subject, deadline_s: float) -> Crop | None:
        """Without a judgement in time the default margin stays, and the record says why."""
        if subject.crop is None:
            return None
        samples = subject.crop.samples()
        with ThreadPoolExecutor(subject.callers_maximum, "calibrate-crop") as pool:
            try:
                return CropTrial(subject.crop.hear, pool, deadline_s, self.clock).run(samples)
            except NotMeasured as error:
                return Crop(DEFAULT_MARGIN_FRAMES, f"Not judged: {error}.", ())
