"""Whether a cropped encoder gives the same words as a padded one, and with which margin.

The rule: the smallest margin from 256 frames up that changes no sample's words, else no cropping.
It recognises nothing itself, and keeps counts only: never the words.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from audio.pcm import Samples
from server.calibration.record import Crop, CropStep
from server.calibration.timing import Clock, NotMeasured

PADDED_MARGIN_FRAMES: Final = 3000
SMALLEST_CHOSEN_FRAMES: Final = 256
MARGINS: Final = (128, 256, 384, 512, 768)
"""128 is tried to show how near 256 is to the edge; it is never chosen."""
FEWEST_SAMPLES: Final = 4
_PADDED_SHARE: Final = 0.6
"""Of the time, for the padded readings: each takes about four times a cropped one's."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One reading of one sample."""

    text: str
    is_made_again: bool = False


Hear = Callable[[Samples, int], Heard]
"""Recognise speech with a margin in frames; PADDED_MARGIN_FRAMES pads. From several threads."""


@dataclass(frozen=True, slots=True)
class CropTrial:
    """Bounded: past `deadline_s` no further sample is started."""

    hear: Hear
    pool: Executor
    deadline_s: float
    clock: Clock

    def run(self, samples: Sequence[Samples]) -> Crop:
        """Raises NotMeasured when the time is up before a margin of 256 or more has been judged,
        or when too few samples have words.
        """
        padded_until_s = self.clock() + _PADDED_SHARE * (self.deadline_s - self.clock())
        padded = self._heard(samples, PADDED_MARGIN_FRAMES, padded_until_s)
        spoken = [
            (speech, words_of(heard.text))
            for speech, heard in zip(samples, padded, strict=True)
            if heard is not None and words_of(heard.text)
        ]
        if len(spoken) < FEWEST_SAMPLES:
            raise NotMeasured(f"only {len(spoken)} samples gave words with padding in the time")
        return self._chosen(spoken)

    def _chosen(self, spoken: Sequence[tuple[Samples, list[str]]]) -> Crop:
        steps: list[CropStep] = []
        for margin_frames in MARGINS:
            step = self._step(spoken, margin_frames)
            if step is None:
                break
            steps.append(step)
            if step.is_faithful and margin_frames >= SMALLEST_CHOSEN_FRAMES:
                return Crop(margin_frames, _told_kept(step), tuple(steps))
        if len(steps) < len(MARGINS) and not _is_refuted(steps):
            raise NotMeasured("the time was up before a margin had been judged")
        return Crop(PADDED_MARGIN_FRAMES, _told_off(steps), tuple(steps))

    def _step(self, spoken: Sequence[tuple[Samples, list[str]]], margin: int) -> CropStep | None:
        """None when the time was up before every sample was heard."""
        found = self._heard([speech for speech, _ in spoken], margin, self.deadline_s)
        heard = [one for one in found if one is not None]
        if len(heard) < len(spoken):
            return None
        changed = sum(
            words_of(one.text) != words for one, (_, words) in zip(heard, spoken, strict=True)
        )
        return CropStep(margin, len(heard), changed, sum(one.is_made_again for one in heard))

    def _heard(
        self, samples: Sequence[Samples], margin_frames: int, until_s: float
    ) -> list[Heard | None]:
        def hear(speech: Samples) -> Heard | None:
            return None if self.clock() >= until_s else self.hear(speech, margin_frames)

        return list(self.pool.map(hear, samples))


def words_of(text: str) -> list[str]:
    """Words without case and punctuation: what may differ without being another word."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.casefold().replace("\u2019", "'"))


def _is_refuted(steps: Sequence[CropStep]) -> bool:
    """Whether a margin that might have been chosen was judged: it was not faithful."""
    return any(step.margin_frames >= SMALLEST_CHOSEN_FRAMES for step in steps)


def _told_kept(step: CropStep) -> str:
    return (
        f"With {step.margin_frames} frames beyond the speech all {step.samples} samples give the "
        "words that padding gives."
    )


def _told_off(steps: Sequence[CropStep]) -> str:
    return (
        f"No margin up to {steps[-1].margin_frames} frames gives the words that padding gives on "
        f"all {steps[-1].samples} samples at the first reading: every utterance is heard padded."
    )
