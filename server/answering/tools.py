"""Lets a language model ask for the client's functions, and answer from what they gave. Runs none.

It is asked before the documents are searched and never sees a passage, so that no document can have
a function called. What it says instead of a call counts only when it answers from what functions
gave; else the documents answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from models.llm import ChatRequest, LlmError, Message, Role, TextDelta, ToolCall
from server.answering.conversation import ConversationLimits
from server.answering.language_model import LanguageModel
from server.deadline import Deadline
from server.errors import LlmUnavailable
from server.items import Answer, Kept
from server.wire.items import FunctionCall, FunctionOutput
from server.wire.items import Message as ItemMessage
from server.wire.items import Role as ItemRole
from server.wire.session_config import SessionConfig

MOST_CALLS: Final = 8
LONGEST_ARGUMENTS: Final = 32_768
LONGEST_ANSWER: Final = 4_000
"""Characters; more of an answer is not read."""
MOST_TOKENS: Final = 400

_MAY_CALL: Final = """\
You are the voice of an assistant. Call a function when what the user asks needs one. Otherwise \
write DOCUMENTS and nothing else: the user's documents will be searched for the answer.\
"""
_ANSWERS: Final = """\
Answer from what the functions returned, in one to three plain spoken sentences: no list, no \
markup, no link, no offer of further help. Call another function only when it is needed.\
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the model wants: functions called, or its own words said; neither for the documents."""

    calls: tuple[ToolCall, ...] = ()
    text: str = ""
    engine: str = ""


NOTHING: Final = Decided()


def is_asked(config: SessionConfig) -> bool:
    """Whether functions come into it at all."""
    return bool(config.tools) and config.tool_choice != "none"


def has_results(items: Sequence[Kept]) -> bool:
    """Whether functions gave something since the user last said something."""
    for item in reversed(items):
        if isinstance(item, FunctionOutput):
            return True
        if _is_of_user(item):
            return False
    return False


def request_of(
    items: Sequence[Kept],
    question: str,
    config: SessionConfig,
    limits: ConversationLimits,
) -> ChatRequest:
    """Return what the model is asked; `question` are the words of the user's last item.

    What the user said last, and what functions gave since, is told whole; of what was before as
    much as the conversation's window holds.
    """
    answers = has_results(items)
    rules = f"{_ANSWERS if answers else _MAY_CALL}\n\n{config.instructions}".strip()
    place = _beginning_of_now(items)
    earlier, now = _messages_of(items[:place], items), _messages_of(items[place:], items)
    messages = [*_newest(earlier, limits), *now]
    if not answers and not (messages and messages[-1] == Message(Role.USER, question)):
        messages.append(Message(Role.USER, question))
    choice = config.tool_choice
    wanted = choice if isinstance(choice, str) else str(choice["name"])
    return ChatRequest(
        (Message(Role.SYSTEM, rules), *messages),
        config.tools,
        "auto" if answers else wanted,
        MOST_TOKENS,
        0.0,
    )


async def decide(
    chat: LanguageModel, request: ChatRequest, patience: Deadline, most_calls: int = MOST_CALLS
) -> Decided:
    """Ask the model. Raises LlmUnavailable when it does not answer, or breaks off."""
    calls: list[ToolCall] = []
    text = ""
    try:
        async with chat.chat(request, patience) as reply:
            async for piece in reply:
                if isinstance(piece, ToolCall) and len(piece.arguments) <= LONGEST_ARGUMENTS:
                    calls.append(piece)
                elif isinstance(piece, TextDelta):
                    text += piece.text
                if len(calls) >= most_calls or len(text) > LONGEST_ANSWER:
                    break
            engine = reply.endpoint.model.name
    except LlmError:
        raise LlmUnavailable("The language model broke off.") from None
    return Decided(tuple(calls), text[:LONGEST_ANSWER].strip(), engine)


def _beginning_of_now(items: Sequence[Kept]) -> int:
    """The place of the user's last words, or of an earlier call whose result came after them."""
    places = range(len(items) - 1, -1, -1)
    last = next((place for place in places if _is_of_user(items[place])), 0)
    given = {item.call_id for item in items[last:] if isinstance(item, FunctionOutput)}
    of_calls = (
        place
        for place, item in enumerate(items)
        if isinstance(item, FunctionCall) and item.call_id in given
    )
    return min(last, next(of_calls, last))


def _is_of_user(item: Kept) -> bool:
    return isinstance(item, ItemMessage) and item.role is ItemRole.USER


def _newest(messages: Iterable[Message], limits: ConversationLimits) -> Sequence[Message]:
    """Return the last ones, within the limits; never results without their calls."""
    kept: list[Message] = []
    size_bytes = 0
    for message in reversed(list(messages)):
        size_bytes += _size_bytes(message)
        if len(kept) == limits.messages or size_bytes > limits.bytes:
            break
        kept.append(message)
    while kept and kept[-1].role is Role.TOOL:
        kept.pop()
    return kept[::-1]


def _size_bytes(message: Message) -> int:
    texts = (message.text, *(call.arguments for call in message.tool_calls))
    return sum(len(text.encode()) for text in texts)


def _messages_of(some: Sequence[Kept], items: Sequence[Kept]) -> Iterator[Message]:
    """Calls made together are one message, right before their results, and have a result each:
    endpoints refuse a conversation where it is otherwise. Results are looked for in all `items`.
    """
    results = {item.call_id: item.output for item in items if isinstance(item, FunctionOutput)}
    for are_calls, group in groupby(some, lambda item: isinstance(item, FunctionCall)):
        if are_calls:
            calls = [each for each in group if isinstance(each, FunctionCall)]
            yield from _calls(calls, results)
        else:
            yield from (message for item in group if (message := _said(item)) is not None)


def _calls(calls: Sequence[FunctionCall], results: Mapping[str, str]) -> Iterator[Message]:
    made = tuple(
        ToolCall(call.call_id, call.name, call.arguments)
        for call in calls
        if call.call_id in results
    )
    if made:
        yield Message(Role.ASSISTANT, "", made)
    yield from (Message(Role.TOOL, results[call.id], tool_call_id=call.id) for call in made)


def _said(item: Kept) -> Message | None:
    if isinstance(item, FunctionCall | FunctionOutput):
        return None
    if isinstance(item, Answer):
        return Message(Role.ASSISTANT, item.transcript) if item.transcript else None
    return Message(Role(item.role), item.text) if item.text else None
