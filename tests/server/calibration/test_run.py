"""server/calibration/run.py: what one engine does wrong concerns no other, and time is bounded."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from server.calibration.crop import Heard
from server.calibration.record import Identity, LeftOut
from server.calibration.run import DEFAULT_MARGIN_FRAMES, Calibrator
from server.calibration.subjects import CropSubject, Subject
from server.calibration.timing import Work
from tests.server.calibrations import FINDS, HEARS, MACHINE, SPEAKS, ScriptedTime

SAMPLES = [np.full(16, number, np.float32) for number in range(5)]


@dataclass(slots=True)
class Stand:
    """A calibrator whose engines take 0.1 s a call."""

    time: ScriptedTime = field(default_factory=lambda: ScriptedTime({(1, 1): 0.1, (1, 2): 0.1}))
    said: list[str] = field(default_factory=list)
    margins: list[int] = field(default_factory=list)

    def calibrator(self) -> Calibrator:
        return Calibrator(self.time, self.said.append, MACHINE, self.time.clock)

    def subject(self, identity: Identity, crop: CropSubject | None = None) -> Subject:
        def make(threads: int, margin_frames: int) -> Work:
            self.margins.append(margin_frames)
            return self.time.make(threads)

        return Subject(identity, make, (), 2, crop)


def hearing(changed_margins: set[int]) -> Callable[[object, int], Heard]:
    return lambda speech, margin: Heard("what" if margin in changed_margins else "that")


def test_each_stage_gets_its_record() -> None:
    """Machine, duration and choice; what is measured is said."""
    stand = Stand()
    made = stand.calibrator().run([stand.subject(HEARS), stand.subject(SPEAKS)])
    assert made.machine == MACHINE
    assert made.took_s == round(stand.time.now_s, 1)
    assert {record.identity: record.permits for record in made.stages} == {HEARS: 2, SPEAKS: 2}
    assert made.left_out == ()
    assert any("whisper" in line for line in stand.said)


def test_the_recogniser_is_timed_under_the_crop_that_was_chosen() -> None:
    """A padded utterance costs several times a cropped one: other threads may be best."""
    stand = Stand()
    crop = CropSubject(hearing({256}), lambda: SAMPLES)
    (record,) = stand.calibrator().run([stand.subject(HEARS, crop)]).stages
    assert record.crop is not None
    assert record.crop.margin_frames == 384
    assert stand.margins == [384]


def test_a_crop_that_cannot_be_judged_stays_as_it_was_and_says_why() -> None:
    stand = Stand()
    crop = CropSubject(lambda speech, margin: Heard(""), lambda: SAMPLES)
    (record,) = stand.calibrator().run([stand.subject(HEARS, crop)]).stages
    assert record.crop is not None
    assert record.crop.margin_frames == DEFAULT_MARGIN_FRAMES == stand.margins[0]
    assert record.crop.why.startswith("Not judged: only 0 samples")


def test_an_engine_that_breaks_leaves_the_others_their_records() -> None:
    """It is left out, with the cause."""

    def broken(threads: int, margin_frames: int) -> Work:
        raise RuntimeError("no such file")

    stand = Stand()
    made = stand.calibrator().run([Subject(SPEAKS, broken, (), 2), stand.subject(HEARS)])
    assert [record.identity for record in made.stages] == [HEARS]
    assert made.left_out == (LeftOut(SPEAKS, "failed: RuntimeError: no such file"),)


def test_a_slow_recogniser_takes_nobody_elses_time() -> None:
    """Ten seconds a call: it is measured last, and given up; the others have their records."""
    slow = Stand(ScriptedTime({(1, 1): 10.0, (1, 2): 10.0}))
    made = slow.calibrator().run([slow.subject(HEARS)])
    assert made.stages == ()
    assert "was not measured: the time was up" in made.left_out[0].why
    assert slow.time.now_s <= 20 + 10
    stand = Stand()
    stand.calibrator().run([stand.subject(one) for one in (HEARS, SPEAKS, FINDS)])
    assert [line.split()[1] for line in stand.said] == ["search:", "tts:", "stt:"]
