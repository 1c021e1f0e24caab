"""A question in words to the documents' answer in words, for a Wyoming client."""

from dataclasses import replace

from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled

from server.answering.conversation import Conversation, exchange_of
from server.answering.reply import compose
from server.deadline import Deadline
from server.pipeline import Pipeline
from server.settings import Settings
from server.wyoming.speaking import Tell

NOTHING_ASKED = "Nothing was asked."


async def answer(
    question: str, conversation: Conversation, tell: Tell, pipeline: Pipeline, settings: Settings
) -> None:
    """Tell the answer piece by piece as it is made, then whole; `not-handled` when there is none.

    It becomes part of the conversation, as far as it was told. Raises StageError.
    """
    if not question.strip():
        await tell.send(NotHandled(NOTHING_ASKED))
        return
    deadline = Deadline.after(settings.turn_timeout_s)
    window = conversation.window()
    pipeline = replace(pipeline, window=window)
    found = (await pipeline.search(question, deadline)).value
    pieces: list[str] = []
    async with compose(pipeline, found, deadline) as reply:
        root = window.root_of(question, is_following=found.is_following)
        exchange = exchange_of(question, reply.basis, root)
        conversation.add(exchange, lambda: " ".join(pieces))
        if reply.answer.refused:
            pieces.append(reply.answer.text)
            await tell.send(NotHandled(reply.answer.text))
            return
        await tell.send(HandledStart())
        while (piece := await reply.piece()) is not None:
            await tell.send(HandledChunk(" " * bool(pieces) + piece))
            pieces.append(piece)
    await tell.send(Handled(" ".join(pieces)))
    await tell.send(HandledStop())
