"""One session's hearing: bytes off the socket to utterances, with the time each sample arrived.

Pure but for the voice-activity model: times are arguments, it sends nothing.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from audio.endpoint import (
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    EndReason,
    SpeechStarted,
    UtteranceEnded,
)
from audio.pcm import Samples, decode_pcm16
from audio.prompt_resample import PromptResampler
from audio.vad import QUIET_PEAK, VadModel, VadStream

RATE_HZ = 16_000
ARRIVALS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class EarSettings:
    """How speech is told from silence, and when an utterance is over."""

    onset: float
    release: float
    endpoint: EndpointSettings
    input_rate_hz: int = RATE_HZ
    is_by_words: bool = True
    """Whether the wait may depend on what was understood, instead of endpoint.silence_ms."""
    is_automatic: bool = True
    """False when the client alone decides where an utterance ends."""


class Ears:
    """Turns PCM16 frames into endpoint events. Memory is bounded by the longest utterance."""

    def __init__(self, model: VadModel, settings: EarSettings) -> None:
        self._model = model
        self._heard_samples = 0
        self._is_quiet = False
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=ARRIVALS_KEPT)
        self._apply(settings)

    @property
    def settings(self) -> EarSettings:
        """What applies now."""
        return self._settings

    @property
    def heard_ms(self) -> int:
        """Audio received in this session."""
        return self._heard_samples * 1000 // RATE_HZ

    @property
    def is_hearing_speech(self) -> bool:
        """Whether an utterance runs, the silence at its end included."""
        return self._endpointer.is_speaking

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks and the last frame was as good as silent."""
        return self._is_quiet and self._settings.is_automatic and not self._endpointer.is_speaking

    def utterance_so_far(self) -> Samples:
        """A copy of the running utterance, pre-roll first; empty while nobody speaks."""
        return self._endpointer.samples_so_far()

    def change(self, settings: EarSettings) -> None:
        """Apply other settings; speech that is being heard is forgotten."""
        self._apply(settings)

    def hear(self, frame: bytes, now_s: float) -> list[EndpointEvent]:
        """Take one PCM16 frame. Raises audio.pcm.FrameError on an odd length."""
        samples = self._resampler.process(decode_pcm16(frame))
        self._heard_samples += len(samples)
        self._is_quiet = len(samples) == 0 or max(samples.max(), -samples.min()) < QUIET_PEAK
        self._arrivals.append((self._heard_samples, now_s))
        if not self._settings.is_automatic:
            return self._keep(samples)
        events: list[EndpointEvent] = []
        for window in self._vad.push(samples, may_wait=not self._endpointer.is_speaking):
            events.extend(self._endpointer.push(window))
        if any(isinstance(event, UtteranceEnded) for event in events):
            self._forget_wait()
        return [self._on_session_clock(event) for event in events]

    def wait(self, silence_ms: int) -> None:
        """End the running utterance after that much silence; the next one starts anew."""
        self._endpointer.silence_ms = silence_ms

    def commit(self) -> list[EndpointEvent]:
        """End the utterance here; empty when nothing was said since the last one."""
        if not self._settings.is_automatic:
            return self._commit_kept() if self._kept else []
        events: list[EndpointEvent] = []
        for window in self._vad.flush():
            events.extend(self._endpointer.push(window))
        events.extend(self._endpointer.commit())
        self._forget_wait()
        return [self._on_session_clock(event) for event in events]

    def clear(self) -> None:
        """Forget what was heard and not ended."""
        self._vad.reset()
        self._endpointer.clear()
        self._forget_wait()
        self._kept.clear()
        self._kept_samples = 0

    def arrived_at_s(self, sample: int) -> float:
        """Return when that sample of the session (at 16 kHz) had arrived."""
        for end_sample, at_s in self._arrivals:
            if end_sample >= sample:
                return at_s
        return self._arrivals[-1][1] if self._arrivals else 0.0

    def _apply(self, settings: EarSettings) -> None:
        self._settings = settings
        self._resampler = PromptResampler(settings.input_rate_hz, RATE_HZ)
        self._vad = VadStream(self._model, settings.onset, settings.release)
        self._endpointer = Endpointer(settings.endpoint)
        self._clock_offset = self._heard_samples
        self._kept: list[Samples] = []
        self._kept_samples = 0

    def _on_session_clock(self, event: EndpointEvent) -> EndpointEvent:
        offset = self._clock_offset
        if not offset:
            return event
        if isinstance(event, UtteranceEnded):
            return replace(
                event,
                start_sample=event.start_sample + offset,
                speech_end_sample=event.speech_end_sample + offset,
                end_sample=event.end_sample + offset,
            )
        if isinstance(event, SpeechStarted):
            return replace(event, start_sample=event.start_sample + offset)
        return event

    def _forget_wait(self) -> None:
        self._endpointer.silence_ms = self._settings.endpoint.silence_ms

    def _keep(self, samples: Samples) -> list[EndpointEvent]:
        self._kept.append(samples)
        self._kept_samples += len(samples)
        limit = self._settings.endpoint.maximum_utterance_ms * RATE_HZ // 1000
        return self._commit_kept(EndReason.LIMIT) if self._kept_samples >= limit else []

    def _commit_kept(self, reason: EndReason = EndReason.COMMIT) -> list[EndpointEvent]:
        samples = np.concatenate(self._kept)
        end = self._heard_samples
        self.clear()
        return [UtteranceEnded(samples, end - len(samples), end, end, reason, samples)]
