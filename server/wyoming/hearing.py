"""One stream of audio to its words, for a Wyoming client; it speaks and answers nothing.

Live speech ends where Parley's own endpoint says, by how complete the words look, and its answer
is made ahead into the caches meanwhile: a client that asks for it next need not wait. A recording,
which comes faster than anybody speaks, ends where its sender says.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from audio.endpoint import EndpointEvent, EndReason, SpeechPaused, SpeechResumed, UtteranceEnded
from audio.pcm import Samples
from server.deadline import Deadline
from server.errors import InvalidEvent
from server.hearing.ahead import Ahead
from server.hearing.ears import RATE_HZ, Ears
from server.hearing.partials import Partials
from server.hearing.speculation import Fate, OnUnderstood, Speculation
from server.question import TurnLimits
from server.session_settings import ear_settings
from server.surroundings import Surroundings
from server.wyoming.sound import SoundFormat, mono_pcm16

PIECE_BYTES: Final = 16_000
"""Of PCM16, judged at a stretch: half a second at 16 kHz, 1 ms of voice activity."""
AT_PACE: Final = 0.5
"""Sound that takes less than this share of its length to arrive is a recording."""
SILENT_S: Final = 15.0
"""A live stream in which nobody has spoken for so long is over."""
RECORDING_S: Final = 600.0
"""The longest stream."""


class Hearing:
    """From `audio-start` to its words. `group` runs what is done ahead, and may outlive it."""

    def __init__(
        self,
        written: SoundFormat,
        shared: Surroundings,
        group: asyncio.TaskGroup,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = shared.settings
        self._written = written
        self._shared = shared
        self._now_s = now_s
        self._ears = Ears(
            shared.vad_model, replace(ear_settings(settings), input_rate_hz=written.rate_hz)
        )
        common = (group, shared.stages.stt.permits, shared.metrics)
        partials = Partials(settings, *common, shared.pipeline, _tell_nobody)
        self._ahead = Ahead(settings, self._ears, *common, self._speculate, partials)
        self._started_at_s = now_s()
        self._ended: UtteranceEnded | None = None
        """The last utterance, while it is not known whether its silence is the speaker's."""
        self._texts: list[str] = []

    async def hear(self, audio: bytes, written: SoundFormat) -> str | None:
        """Take some audio; return the words once the speaker is done, None until then.

        Raises InvalidEvent for audio in another format or beyond RECORDING_S, StageError when the
        recogniser fails.
        """
        if written != self._written:
            raise InvalidEvent("The audio is not in the format of its `audio-start`.", "rate")
        pcm = mono_pcm16(audio, written)
        for start in range(0, len(pcm), PIECE_BYTES):
            for event in self._ears.hear(pcm[start : start + PIECE_BYTES], self._now_s()):
                await self._follow(event)
            if self._ears.heard_ms > RECORDING_S * 1000:
                raise InvalidEvent(f"Audio may last {RECORDING_S:g} s.", code="too_large")
            await asyncio.sleep(0)
        return await self._words_if_over()

    async def finish(self) -> str:
        """Return the words of all that was heard: its sender says that it is over."""
        for event in self._ears.commit():
            await self._follow(event)
        return await self._words()

    def stop(self) -> None:
        """Drop what is done ahead."""
        self._ahead.stop()

    async def _follow(self, event: EndpointEvent) -> None:
        match event:
            case SpeechPaused() if self._is_live(event.speech_end_sample):
                self._ahead.begin(event.samples, event)
            case SpeechResumed():
                self._ahead.give_up(Fate.RESUMED)
            case UtteranceEnded():
                await self._keep_words()
                self._ended = event

    async def _words_if_over(self) -> str | None:
        ended = self._ended
        if not self._shared.settings.wyoming_endpoint:
            return None
        if ended is None:
            return "" if self._is_all_silent() and self._is_live(0) else None
        if ended.reason is EndReason.LIMIT:
            is_over = self._is_live(ended.start_sample)
        else:
            is_over = not self._ears.is_hearing_speech and self._is_live(ended.speech_end_sample)
        return await self._words() if is_over else None

    def _is_all_silent(self) -> bool:
        is_speech = self._ears.is_hearing_speech or self._texts
        return not is_speech and self._ears.heard_ms >= SILENT_S * 1000

    def _is_live(self, since_sample: int) -> bool:
        """Whether the sound since then has taken about as long as it lasts."""
        arrived_at_s = self._ears.arrived_at_s(since_sample) if since_sample else self._started_at_s
        sound_s = self._ears.heard_ms / 1000 - since_sample / RATE_HZ
        return self._now_s() - arrived_at_s >= AT_PACE * sound_s

    async def _words(self) -> str:
        await self._keep_words()
        return " ".join(self._texts)

    async def _keep_words(self) -> None:
        """Recognise the utterance that waits, by the readings that the documents know better."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        deadline = Deadline.after(self._shared.settings.turn_timeout_s)
        self._ahead.take(ended.spoken)
        pipeline = self._shared.pipeline(self._ears.arrived_at_s(ended.speech_end_sample))
        heard = (await pipeline.transcribe(ended.spoken, deadline)).value
        text = heard.text
        if heard.other:
            found = await pipeline.search(text, deadline, heard.other)
            text = found.value.retrieval.question
        self._texts += [text] if text else []

    def _speculate(self, samples: Samples, on_understood: OnUnderstood) -> Speculation:
        settings, pipeline = self._shared.settings, self._shared.pipeline()
        limits = TurnLimits(
            settings.turn_timeout_s,
            settings.lead_ms,
            settings.answer_maximum_characters,
            pipeline.engines.synthesizer.rate_hz,
            settings.speech_speed,
        )
        return Speculation(samples, pipeline, limits, on_understood)


async def _tell_nobody(item_id: str, words: str) -> None:
    """Words that may still change are not for a client that acts on what it is told."""
