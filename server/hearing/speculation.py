"""Makes the answer ahead, while the person may still go on speaking.

It keeps nothing of its own: it runs the very calls that the turn will make, so that the turn finds
their results in the caches or joins them in flight. Speech that goes on cancels it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from audio.pcm import Samples
from server.answering.reply import compose
from server.deadline import Deadline
from server.errors import StageError
from server.hearing.endpointing import Heard, Reason, Wait
from server.pipeline import FIRST_SENTENCE, Found, Pipeline
from server.question import TurnLimits
from server.stage import StageResult

Value = TypeVar("Value")


class Fate(StrEnum):
    """What became of a speculation; counted in /metrics."""

    USED = "used"
    RESUMED = "resumed"
    """Wasted: the person went on speaking."""
    CHANGED = "changed"
    """Wasted: what was committed is not what was guessed."""
    SKIPPED = "skipped"
    """Not begun, because others waited for the recogniser."""


OnUnderstood = Callable[[Heard], Wait | None]
"""Called as soon as the words are known, and how sure their answer is; returns how long to wait for
more of them, None when that is not known."""

SURELY_WHOLE = (Reason.ANSWERABLE_QUESTION, Reason.QUESTION)
"""Reasons of a short wait, after which a language model is asked ahead: its calls cost money or
cores, and what is said next would waste them."""


@dataclass(slots=True)
class Speculation:
    """One guess that an utterance is over. Run it once."""

    samples: Samples
    pipeline: Pipeline
    limits: TurnLimits
    on_understood: OnUnderstood
    is_question: bool = True
    """False for speech into an answer: its words are wanted, to tell what it is, and whether they
    can be answered, which sets the wait; no answer is made."""
    cache: dict[str, str] = field(default_factory=dict)
    """Stage to "hit" or "miss", as the speculation found it; FIRST_SENTENCE to what it spoke."""

    async def run(self) -> None:
        """Recognise, search, answer, and speak the first sentence, into the caches."""
        try:
            await self._think(Deadline.after(self.limits.timeout_s))
        except StageError:
            # The turn meets the same failure, or a better day, and tells the client.
            return

    async def _think(self, deadline: Deadline) -> None:
        self.cache["stt"] = "miss"
        heard = self._noted("stt", await self.pipeline.transcribe(self.samples, deadline))
        if not heard.text:
            self.on_understood(Heard("", heard.unfinished))
            return
        self.cache["search"] = "miss"
        found = self._noted("search", await self.pipeline.search(heard.text, deadline, heard.other))
        question, confidence = found.retrieval.question, found.retrieval.confidence
        wait = self.on_understood(Heard(question, heard.unfinished, confidence))
        if self.is_question:
            self.cache["answer"] = "miss"
            await self._answer(found, wait, deadline)

    async def _answer(self, found: Found, wait: Wait | None, deadline: Deadline) -> None:
        answers = self.pipeline.engines.answers
        if answers is not None and not (answers.limits.is_asked_ahead and _is_surely_whole(wait)):
            self._noted("answer", await self.pipeline.answer(found, deadline))
            return
        async with compose(self.pipeline, found, deadline, is_counted=False) as reply:
            self.cache["answer"] = "hit" if reply.is_hit else "miss"
            if (piece := await reply.piece()) is not None:
                await self._speak(piece, deadline)
            # A language model goes on for as long as somebody reads: until the turn does.
            while await reply.piece() is not None:
                pass

    async def _speak(self, piece: str, deadline: Deadline) -> None:
        self.cache |= {"tts": "miss", FIRST_SENTENCE: piece}
        spoken = self.pipeline.synthesise(piece, self.limits.speed, self.limits.rate_hz, deadline)
        self._noted("tts", await spoken)

    def _noted(self, stage: str, result: StageResult[Value]) -> Value:
        self.cache[stage] = "hit" if result.is_hit else "miss"
        return result.value


def _is_surely_whole(wait: Wait | None) -> bool:
    return wait is not None and wait.reason in SURELY_WHOLE
