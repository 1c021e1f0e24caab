"""A question in words to the documents' answer in words, for a Wyoming client."""

from dataclasses import replace

from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled

from models.speakable import split_sentences
from server.answering.conversation import Conversation, exchange_of
from server.deadline import Deadline
from server.pipeline import Pipeline
from server.settings import Settings
from server.wyoming.speaking import Tell

NOTHING_ASKED = "Nothing was asked."


async def answer(
    question: str, conversation: Conversation, tell: Tell, pipeline: Pipeline, settings: Settings
) -> None:
    """Tell the answer sentence by sentence, then whole; `not-handled` when there is none.

    It becomes part of the conversation. Raises StageError.
    """
    if not question.strip():
        await tell.send(NotHandled(NOTHING_ASKED))
        return
    deadline = Deadline.after(settings.turn_timeout_s)
    window = conversation.window()
    pipeline = replace(pipeline, window=window)
    found = (await pipeline.search(question, deadline)).value
    made = (await pipeline.answer(found, deadline)).value
    root = window.root_of(question, found.leans_on)
    conversation.add(exchange_of(question, made, root), lambda: made.text)
    sentences = split_sentences(made.text[: settings.answer_maximum_characters])
    if made.refused:
        await tell.send(NotHandled(made.text))
        return
    await tell.send(HandledStart())
    for position, sentence in enumerate(sentences):
        await tell.send(HandledChunk(" " * bool(position) + sentence))
    await tell.send(Handled(" ".join(sentences)))
    await tell.send(HandledStop())
