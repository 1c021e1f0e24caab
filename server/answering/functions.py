"""Finds out, for one turn, whether the client's functions come before its documents. It tells
nothing but trouble; server/speaking/response.py tells of the calls.
"""

from server.answering.tools import (
    MOST_CALLS,
    NOTHING,
    Decided,
    decide,
    has_results,
    is_asked,
    request_of,
)
from server.deadline import Deadline
from server.errors import LlmUnavailable
from server.pipeline import Pipeline
from server.question import Question
from server.speaking.response import Response


async def functions_for(
    question: Question,
    transcript: str,
    response: Response,
    pipeline: Pipeline,
    deadline: Deadline,
) -> Decided:
    """Return what a language model decided: calls, words from what functions gave, or neither.

    Neither where none is configured, no function is offered, the response is beside the
    conversation, or the model fails, which is told: then the documents answer.
    """
    answers, config = pipeline.engines.answers, question.wish.config
    if answers is None or question.wish.is_out_of_band or not is_asked(config):
        return NOTHING
    items = response.items.all()
    limits = response.items.conversation.limits
    request = request_of(items, transcript, config, limits)
    patience = min(Deadline.after(answers.limits.patience_s), deadline)
    most_calls = MOST_CALLS if config.calls_in_parallel else 1
    try:
        decided = await decide(answers.model, request, patience, most_calls)
    except LlmUnavailable as error:
        await response.listener.error(error)
        return NOTHING
    return decided if decided.calls or has_results(items) else NOTHING
