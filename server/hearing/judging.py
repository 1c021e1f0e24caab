"""Recognises what was said into an answer and says what it was; server/session.py acts on it."""

from dataclasses import dataclass

from audio.endpoint import UtteranceEnded
from server.deadline import Deadline
from server.errors import StageError
from server.hearing.interruption import Interruption, classify
from server.pipeline import Pipeline
from server.watching.metrics import Metrics
from server.wire.outbox import Outbox

ECHO_REACH_S = 2.0
"""An echo may be this old: a client's buffer, its loudspeaker, the room, and the way back."""
AFTER_ANSWER_S = 1.0
"""Speech that begins within it of the answer's last sound may be its echo."""
LATELY_S = 10.0
"""Of an answer that is over so much is kept, to know its echo by."""


@dataclass(slots=True)
class LatelySaid:
    """The last words of the last answer, and until when they were heard."""

    text: str = ""
    _until_s: float = 0.0

    def remember(self, text: str, now_s: float) -> None:
        """Note that an answer ended; one without words changes nothing."""
        if text:
            self.text, self._until_s = text, now_s

    def may_echo_in(self, began_at_s: float) -> bool:
        """Whether speech began so soon after the answer that it may be an echo, or a last "ok"."""
        return bool(self.text) and began_at_s < self._until_s + AFTER_ANSWER_S


async def judge(
    utterance: UtteranceEnded,
    being_said: str,
    pipeline: Pipeline,
    deadline: Deadline,
    outbox: Outbox,
    metrics: Metrics,
) -> Interruption:
    """Return what it was. A recogniser that fails is told, and what was said counts as nothing."""
    try:
        heard = await pipeline.transcribe(utterance.spoken, deadline)
    except StageError as error:
        await outbox.error(error)
        return Interruption.NOTHING
    kind = classify(heard.value.text, being_said)
    metrics.count_interruption(kind)
    return kind
