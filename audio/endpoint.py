"""From judged windows to utterances: where speech began and ended. Reads no clock, does no I/O.

Times are samples at 16 kHz from the start of the stream. Windows come in order, without gaps;
after a gap, clear() first. What happens when a buffer is full: before speech, the oldest window
falls out of the pre-roll; within speech, the utterance is cut (EndReason.LIMIT) and the next one
begins at the very next sample.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np

from audio.pcm import Samples
from audio.vad import VAD_RATE_HZ, WINDOW_SAMPLES, VadWindow

SAMPLES_PER_MS: Final = VAD_RATE_HZ // 1000
_LINGER_SAMPLES: Final = 2 * WINDOW_SAMPLES
"""Unclear speech windows at the end that count as silence, at most.

Under kitchen noise the last speech window ends 46 ms (at p75 95, p95 168) after the last sound of
59 recorded orders, the last clear one 16 ms (38, 114); without noise 24 (34) and 14 (26). Two
windows hold most of it, and a weak last sound stays within what is recognised.
"""
_ONSET_SPREAD: Final = 2
"""Minimum speech may be spread over twice its length, so that one missed window costs nothing."""


class EndReason(StrEnum):
    """Why an utterance was over."""

    SILENCE = "silence"
    LIMIT = "limit"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Waits and bounds in milliseconds. Raises ValueError naming every value out of range."""

    silence_ms: int = 500
    """1 to maximum_utterance_ms; judged per window, so it is in effect rounded up to 32 ms."""
    prefix_ms: int = 300
    """Sound kept from before the first speech window."""
    minimum_speech_ms: int = 128
    """Speech needed before anything is reported, in effect rounded up to 32 ms windows.

    Four windows: of 17 short words ("up", "no", "what") in six synthetic voices 101 of 102 have as
    many, a 32 ms fragment of real speech has 3 at most, clicks, bursts, tones and a kitchen none.
    """
    pause_ms: int = 96
    """Silence after which a pause is first reported, for work that is done ahead of the endpoint.

    Three windows: some are the closure of a stop consonant (up to 150 ms), so the work is for an
    idle machine only.
    """
    long_pause_ms: int = 192
    """Silence after which it is reported again: longer than any closure. At least pause_ms."""
    continued_ms: int = 0
    """Running speech after which the utterance so far is reported, again and again; 0 is never."""
    maximum_utterance_ms: int = 30_000
    """The longest utterance handed over, pre-roll included: 30 s is 1.9 MB."""

    def __post_init__(self) -> None:
        limit_ms = self.maximum_utterance_ms
        mistakes = [
            f"{name} is {value} (accepted: {low} to {high})"
            for name, value, low, high in (
                ("maximum_utterance_ms", limit_ms, 2_000, 600_000),
                ("silence_ms", self.silence_ms, 1, limit_ms),
                ("prefix_ms", self.prefix_ms, 0, limit_ms // 4),
                ("minimum_speech_ms", self.minimum_speech_ms, 1, limit_ms // 4),
                ("pause_ms", self.pause_ms, 1, limit_ms // 4),
                ("long_pause_ms", self.long_pause_ms, self.pause_ms, limit_ms // 4),
                ("continued_ms", self.continued_ms, 0, 600_000),
            )
            if not low <= value <= high
        ]
        if mistakes:
            raise ValueError("; ".join(mistakes))


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the running utterance has been spoken so far."""

    speech_ms: int
    """From its first speech window to the end of its last, pauses included."""
    longest_pause_ms: int = 0
    """The longest of the pauses that were reported and spoken after."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks, seen after minimum speech."""

    start_sample: int
    """Where the utterance's samples begin: prefix_ms before the first speech window."""


@dataclass(frozen=True, slots=True)
class SpeechContinued:
    """The speaker goes on, and has for another continued_ms."""

    samples: Samples
    """The utterance so far, pre-roll first."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The speaker has been silent for pause_ms: perhaps the utterance is over, perhaps not."""

    samples: Samples
    """What UtteranceEnded.spoken will be if nothing more is said."""
    start_sample: int
    speech_end_sample: int
    delivery: Delivery
    is_long: bool = False
    """The second report of this pause, at long_pause_ms; its samples are those of the first."""


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The speaker went on after a SpeechPaused."""


@dataclass(frozen=True, slots=True)
class UtteranceEnded:
    """One utterance, whole."""

    samples: Samples
    """From start_sample to end_sample, (n,)."""
    start_sample: int
    speech_end_sample: int
    """The end of the last clear speech window; what follows in samples is silence or fades."""
    end_sample: int
    reason: EndReason
    spoken: Samples
    """samples without the silence beyond pause_ms: the same however long the endpoint took."""

    @property
    def duration_s(self) -> float:
        """From its start to its end, silence included."""
        return (self.end_sample - self.start_sample) / VAD_RATE_HZ


@dataclass(frozen=True, slots=True)
class SpeechDropped:
    """Speech windows that were too few to be speech. Never follows a SpeechStarted of theirs."""

    start_sample: int
    end_sample: int


EndpointEvent: TypeAlias = (
    SpeechStarted | SpeechContinued | SpeechPaused | SpeechResumed | UtteranceEnded | SpeechDropped
)


class Endpointer:
    """One session's turn-taking: idle, or speaking from SpeechStarted to UtteranceEnded.

    No sample is in two utterances but trailing silence, which may serve the next one as pre-roll.
    An utterance cut at the limit is continued at the very next sample when speech goes on within
    silence_ms (within a quarter of the limit when that is less); else what follows is silence.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self._settings = settings
        self._silence_samples_wanted = settings.silence_ms * SAMPLES_PER_MS
        self._prefix_samples = settings.prefix_ms * SAMPLES_PER_MS
        self._maximum_samples = settings.maximum_utterance_ms * SAMPLES_PER_MS
        self._speech_windows_wanted = _windows_for(settings.minimum_speech_ms)
        self._pause_samples = _windows_for(settings.pause_ms) * WINDOW_SAMPLES
        self._long_pause_samples = _windows_for(settings.long_pause_ms) * WINDOW_SAMPLES
        self._continued_samples = settings.continued_ms * SAMPLES_PER_MS
        self._onset_windows = self._speech_windows_wanted * _ONSET_SPREAD
        self._idle_windows = self._onset_windows + _windows_for(settings.prefix_ms)
        self._windows: deque[VadWindow] = deque()
        self.clear()

    @property
    def silence_ms(self) -> int:
        """The wait after the last speech window. May be set between windows, 1 to the maximum.

        When it is set below the silence already heard, the next window ends the utterance.
        """
        return self._silence_samples_wanted // SAMPLES_PER_MS

    @silence_ms.setter
    def silence_ms(self, value: int) -> None:
        if not 1 <= value <= self._settings.maximum_utterance_ms:
            limit_ms = self._settings.maximum_utterance_ms
            raise ValueError(f"silence_ms is {value} (accepted: 1 to {limit_ms})")
        self._silence_samples_wanted = value * SAMPLES_PER_MS

    @property
    def is_speaking(self) -> bool:
        """True from SpeechStarted to UtteranceEnded, the silence at the end included."""
        return self._start_sample is not None

    @property
    def silence_samples(self) -> int:
        """Sound since the last clear speech window; 0 while nobody speaks."""
        return self._windows[-1].end_sample - self._speech_end_sample if self.is_speaking else 0

    @property
    def held_samples(self) -> int:
        """Samples kept in memory: the pre-roll, or the utterance so far."""
        return len(self._windows) * WINDOW_SAMPLES

    def samples_so_far(self) -> Samples:
        """A copy of the running utterance, pre-roll first; empty while nobody speaks."""
        if self._start_sample is None:
            return np.zeros(0, dtype=np.float32)
        return self._joined(self._start_sample)

    def push(self, window: VadWindow) -> list[EndpointEvent]:
        """What this window decides; mostly nothing."""
        self._windows.append(window)
        if self._start_sample is None:
            return self._listen(window)
        return self._follow(window, self._start_sample)

    def commit(self) -> list[EndpointEvent]:
        """End the running utterance now; drop speech that is below the minimum."""
        if self._start_sample is not None:
            return [self._end(self._start_sample, EndReason.COMMIT)]
        too_short = self._too_short
        self.clear()
        return [] if too_short is None else [too_short]

    def clear(self) -> None:
        """Forget everything heard, pre-roll included, and report nothing. silence_ms stays."""
        self._windows.clear()
        self._start_sample: int | None = None
        self._cut_sample: int | None = None
        self._onset_sample = self._told_sample = 0
        self._speech_end_sample = self._release_sample = 0
        self._longest_pause_samples = self._pauses_told = 0
        self._too_short: SpeechDropped | None = None

    def _listen(self, window: VadWindow) -> list[EndpointEvent]:
        self._forget_oldest()
        recent = list(self._windows)[-self._onset_windows :]
        speech = [judged for judged in recent if judged.is_speech]
        if len(speech) >= self._speech_windows_wanted:
            return [self._start(speech[0].start_sample, window)]
        if window.is_speech:
            self._note_speech(window)
        too_short = self._too_short
        if speech or too_short is None:
            return []
        self._too_short = None
        return [too_short]

    def _follow(self, window: VadWindow, start_sample: int) -> list[EndpointEvent]:
        events: list[EndpointEvent] = []
        if window.is_speech:
            events = self._resumed(window) + self._continued(window, start_sample)
        elif self.silence_samples >= self._silence_samples_wanted:
            return [self._end(start_sample, EndReason.SILENCE)]
        else:
            events = self._paused(start_sample)
        if window.end_sample + WINDOW_SAMPLES - start_sample > self._maximum_samples:
            events.append(self._end(start_sample, EndReason.LIMIT))
        return events

    def _continued(self, window: VadWindow, start_sample: int) -> list[EndpointEvent]:
        """Within speech alone: the words of a pause are those of SpeechPaused."""
        if not 0 < self._continued_samples <= window.end_sample - self._told_sample:
            return []
        self._told_sample = window.end_sample
        return [SpeechContinued(self._joined(start_sample))]

    def _resumed(self, window: VadWindow) -> list[EndpointEvent]:
        pause_samples = window.start_sample - self._speech_end_sample
        events: list[EndpointEvent] = []
        if self._pauses_told:
            events = [SpeechResumed()]
            self._longest_pause_samples = max(self._longest_pause_samples, pause_samples)
        self._pauses_told = 0
        lingering = 0 if window.is_clear else _LINGER_SAMPLES
        self._speech_end_sample = max(self._speech_end_sample, window.end_sample - lingering)
        self._release_sample = window.end_sample
        return events

    def _paused(self, start_sample: int) -> list[EndpointEvent]:
        marks = (self._pause_samples, self._long_pause_samples)
        reached = sum(self.silence_samples >= mark for mark in marks)
        if reached == self._pauses_told:
            return []
        self._pauses_told = reached
        spoken = self._spoken(self._joined(start_sample), start_sample)
        delivery = Delivery(
            (self._speech_end_sample - self._onset_sample) // SAMPLES_PER_MS,
            self._longest_pause_samples // SAMPLES_PER_MS,
        )
        is_long = reached == len(marks)
        return [SpeechPaused(spoken, start_sample, self._speech_end_sample, delivery, is_long)]

    def _spoken(self, samples: Samples, start_sample: int) -> Samples:
        return samples[: self._speech_end_sample - start_sample + self._pause_samples]

    def _note_speech(self, window: VadWindow) -> None:
        first = self._too_short.start_sample if self._too_short else window.start_sample
        self._too_short = SpeechDropped(first, window.end_sample)

    def _start(self, onset_sample: int, window: VadWindow) -> SpeechStarted:
        earliest = self._windows[0].start_sample
        pre_roll = max(earliest, onset_sample - self._prefix_samples)
        self._start_sample = pre_roll if self._cut_sample is None else self._cut_sample
        self._cut_sample = None
        self._onset_sample = onset_sample
        self._speech_end_sample = self._release_sample = self._told_sample = window.end_sample
        self._too_short = None
        return SpeechStarted(self._start_sample)

    def _end(self, start_sample: int, reason: EndReason) -> UtteranceEnded:
        end_sample = self._windows[-1].end_sample
        samples = self._joined(start_sample)
        spoken = self._spoken(samples, start_sample)
        speech_end_sample, released = self._speech_end_sample, self._release_sample
        trailing = [heard for heard in self._windows if heard.start_sample >= released]
        self.clear()
        if reason is EndReason.SILENCE:
            self._windows.extend(trailing)
            self._forget_oldest()
        elif reason is EndReason.LIMIT:
            self._cut_sample = end_sample
        return UtteranceEnded(samples, start_sample, speech_end_sample, end_sample, reason, spoken)

    def _joined(self, start_sample: int) -> Samples:
        skipped = start_sample - self._windows[0].start_sample
        return np.concatenate([window.samples for window in self._windows])[skipped:]

    def _forget_oldest(self) -> None:
        if self._still_follows_cut():
            return
        self._cut_sample = None
        while len(self._windows) > self._idle_windows:
            self._windows.popleft()

    def _still_follows_cut(self) -> bool:
        """Whether speech that is recognised as such only now may have begun soon after a cut."""
        if self._cut_sample is None:
            return False
        possible_onset = self._windows[-1].end_sample - self._onset_windows * WINDOW_SAMPLES
        pause_samples = min(self._silence_samples_wanted, self._maximum_samples // 4)
        return possible_onset - self._cut_sample < pause_samples


def _windows_for(duration_ms: int) -> int:
    return -(-duration_ms * SAMPLES_PER_MS // WINDOW_SAMPLES)
