"""Makes the answer ahead, while the person may still go on speaking.

It keeps nothing of its own: it runs the very calls that the turn will make, so that the turn finds
their results in the caches or joins them in flight. Speech that goes on cancels it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from audio.pcm import Samples
from server.deadline import Deadline
from server.errors import StageError
from server.hearing.endpointing import Heard
from server.pipeline import FIRST_SENTENCE, Pipeline
from server.question import TurnLimits
from server.speaking.saying import pieces_of
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


OnUnderstood = Callable[[Heard], None]
"""Called as soon as the words are known, and how sure their answer is."""


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
        self.on_understood(Heard(question, heard.unfinished, confidence))
        if not self.is_question:
            return
        self.cache["answer"] = "miss"
        answer = self._noted("answer", await self.pipeline.answer(found, deadline))
        for sentence in pieces_of(answer.text, self.limits.answer_maximum_characters)[:1]:
            self.cache |= {"tts": "miss", FIRST_SENTENCE: sentence}
            spoken = self.pipeline.synthesise(
                sentence, self.limits.speed, self.limits.rate_hz, deadline
            )
            self._noted("tts", await spoken)

    def _noted(self, stage: str, result: StageResult[Value]) -> Value:
        self.cache[stage] = "hit" if result.is_hit else "miss"
        return result.value
