"""server/calibration/crop.py: a crop that changes words is widened, then turned off."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest

from audio.pcm import Samples
from server.calibration.crop import PADDED_MARGIN_FRAMES, CropTrial, Heard, words_of
from server.calibration.record import Crop, CropStep
from server.calibration.timing import NotMeasured

SAMPLES: list[Samples] = [np.full(16, number, np.float32) for number in range(6)]


@pytest.fixture
def pool() -> Iterator[Executor]:
    """One thread: what is heard first is first."""
    with ThreadPoolExecutor(1) as made:
        yield made


class Ears:
    """Hears a sentence in each sample, and another one in those of `changed` by margin."""

    def __init__(self, changed: dict[int, int] | None = None, call_s: float = 0.0) -> None:
        self.changed = changed or {}
        self.again: dict[int, int] = {}
        self.text = "Where is it?"
        self.call_s = call_s
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def hear(self, speech: Samples, margin_frames: int) -> Heard:
        self.now_s += self.call_s
        number = int(speech[0])
        is_changed = number < self.changed.get(margin_frames, 0)
        text = "Where was it?" if is_changed else self.text
        return Heard(text, number < self.again.get(margin_frames, 0))

    def choose(self, pool: Executor, deadline_s: float = 1e9) -> Crop:
        return CropTrial(self.hear, pool, deadline_s, self.clock).run(SAMPLES)


def test_equal_words_keep_the_margin(pool: Executor) -> None:
    """256 frames, and both steps are recorded."""
    crop = Ears().choose(pool)
    assert crop.margin_frames == 256
    assert crop.steps == (CropStep(128, 6, 0, 0), CropStep(256, 6, 0, 0))


def test_the_smallest_margin_tried_is_never_chosen(pool: Executor) -> None:
    """128 frames keep every word here; on other speech they make loops."""
    assert Ears({256: 1}).choose(pool).margin_frames == 384


def test_a_crop_that_changes_words_is_widened(pool: Executor) -> None:
    """One other word in one sample is enough; the steps tell how many."""
    crop = Ears({128: 4, 256: 2, 384: 1}).choose(pool)
    assert crop.margin_frames == 512
    assert [step.changed for step in crop.steps] == [4, 2, 1, 0]
    assert "all 6 samples" in crop.why


def test_a_crop_that_changes_words_at_every_margin_is_turned_off(pool: Executor) -> None:
    """Padding then, and the reason names the widest margin tried."""
    crop = Ears(dict.fromkeys((128, 256, 384, 512, 768), 1)).choose(pool)
    assert crop.margin_frames == PADDED_MARGIN_FRAMES
    assert "up to 768 frames" in crop.why


def test_a_reading_that_had_to_be_made_again_is_no_success(pool: Executor) -> None:
    """Its words are the padded ones, at the price of both runs."""
    ears = Ears()
    ears.again = {256: 1}
    crop = ears.choose(pool)
    assert crop.margin_frames == 384
    assert crop.steps[1] == CropStep(256, 6, 0, 1)


def test_case_and_punctuation_are_no_words(pool: Executor) -> None:
    """Whisper writes "where is it" and "Where is it?" for the same sound."""
    assert words_of("It\u2019s 5 o'clock, Anna!") == words_of("it's 5 O'Clock anna")
    assert words_of(" ... ") == []


def test_nothing_is_concluded_when_the_time_is_up(pool: Executor) -> None:
    """Padded and 128 took it all: 256 was not judged."""
    with pytest.raises(NotMeasured, match="before a margin had been judged"):
        Ears(call_s=1.0).choose(pool, deadline_s=14.0)


def test_a_margin_known_to_be_wrong_is_not_kept_for_want_of_time(pool: Executor) -> None:
    """256 frames change words, 384 could not be heard: padding is the safe side."""
    ears = Ears({256: 1}, call_s=1.0)
    assert ears.choose(pool, deadline_s=20.0).margin_frames == PADDED_MARGIN_FRAMES


def test_no_sample_is_begun_after_the_deadline(pool: Executor) -> None:
    """Slow ears: the padded readings end at their share of the time, and what is heard is used."""
    ears = Ears(call_s=10.0)
    with pytest.raises(NotMeasured, match="only 3 samples"):
        ears.choose(pool, deadline_s=50.0)
    assert ears.now_s <= 50.0


def test_ears_that_hear_nothing_prove_nothing(pool: Executor) -> None:
    """Equal silence is no evidence for a crop."""
    ears = Ears()
    ears.text = "..."
    with pytest.raises(NotMeasured, match="only 0 samples"):
        ears.choose(pool)
