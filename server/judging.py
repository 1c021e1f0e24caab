"""Recognises what was said into an answer and says what it was; server/session.py acts on it."""

from audio.endpoint import UtteranceEnded
from server.deadline import Deadline
from server.errors import StageError
from server.interruption import Interruption, classify
from server.metrics import Metrics
from server.outbox import Outbox
from server.pipeline import Pipeline


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
