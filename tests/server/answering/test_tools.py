"""server/answering/tools.py: what a model is asked about functions, and what it wants of them."""

from dataclasses import replace

import pytest

from models.llm import Finish, FinishReason, LlmFault, Message, Role, TextDelta, Tool, ToolCall
from server.answering.conversation import ConversationLimits
from server.answering.tools import LONGEST_ARGUMENTS, MOST_CALLS, decide, has_results, request_of
from server.deadline import Deadline
from server.errors import LlmUnavailable
from server.items import Kept
from server.session_settings import first_config
from server.settings import Settings
from server.wire import items as wire
from server.wire.dialect import OWN
from tests.fake_chat import fault
from tests.server.answering.test_language_model import ASKED, bench

TOOL = Tool("look_up", "Looks.", {"type": "object"})
CONFIG = replace(first_config(Settings(), OWN, 22_050), tools=(TOOL,), instructions="Be brief.")
CALL = ToolCall("call_1", "look_up", '{"place": "harbour"}')
LIMITS = ConversationLimits()
FINISH = Finish(FinishReason.TOOL_CALLS)


def said(role: wire.Role, text: str) -> wire.Message:
    return wire.Message(role, (wire.Part(wire.PartKind.INPUT_TEXT, text),), text)


def test_a_question_is_asked_with_the_tools_and_no_passage() -> None:
    """The instructions, the conversation, the question once; what the client wants to be called."""
    items = [said(wire.Role.USER, "hello"), said(wire.Role.USER, "weather?")]
    request = request_of(items, "weather?", CONFIG, LIMITS)
    assert [message.role for message in request.messages] == [Role.SYSTEM, Role.USER, Role.USER]
    assert request.messages[0].text.endswith("Be brief.")
    assert request.tools == (TOOL,)
    assert request.tool_choice == "auto"
    named = replace(CONFIG, tool_choice={"type": "function", "name": "look_up"})
    assert request_of([], "weather?", named, LIMITS).tool_choice == "look_up"
    assert request_of([], "weather?", named, LIMITS).messages[-1] == Message(Role.USER, "weather?")


def test_results_are_messages_of_the_tool_and_are_to_be_answered_from() -> None:
    """After them the model's words count; a later question starts anew."""
    call = wire.FunctionCall("look_up", "call_1", "{}", "a")
    output = wire.FunctionOutput("call_1", "sunny", "b")
    items: list[Kept] = [said(wire.Role.USER, "weather?"), call, output]
    assert has_results(items)
    request = request_of(items, "weather?", CONFIG, LIMITS)
    assert request.messages[-2].tool_calls == (ToolCall("call_1", "look_up", "{}"),)
    assert request.messages[-1] == Message(Role.TOOL, "sunny", tool_call_id="call_1")
    assert not has_results([*items, said(wire.Role.USER, "and tickets?")])


def test_calls_made_together_are_one_message_with_a_result_each() -> None:
    """Endpoints refuse a call without a result, a result without a call, and words in between."""
    calls = [wire.FunctionCall("look_up", f"call_{n}", "{}", f"item_{n}") for n in range(3)]
    outputs = [wire.FunctionOutput(f"call_{n}", f"result {n}", f"output_{n}") for n in (1, 0, 7)]
    said_between = said(wire.Role.USER, "and?")
    items: list[Kept] = [said(wire.Role.USER, "weather?"), *calls, outputs[0], said_between]
    request = request_of([*items, *outputs[1:]], "and?", CONFIG, ConversationLimits(messages=0))
    told = [
        (each.role, each.text or [call.id for call in each.tool_calls]) for each in request.messages
    ]
    assert told[1:] == [
        (Role.ASSISTANT, ["call_0", "call_1"]),
        (Role.TOOL, "result 0"),
        (Role.TOOL, "result 1"),
        (Role.USER, "and?"),
    ]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (ConversationLimits(messages=3), ["call_1", "sunny", "second"]),
        (ConversationLimits(messages=2), ["second"]),
        (ConversationLimits(bytes=len("second")), ["second"]),
        (ConversationLimits(messages=0), []),
    ],
)
def test_only_so_much_of_the_conversation_is_told(
    limits: ConversationLimits, told: list[str]
) -> None:
    """Its last messages; no result without its call; what is asked now, whole."""
    items: list[Kept] = [
        said(wire.Role.USER, "first"),
        wire.FunctionCall("look_up", "call_1", "{}", "a"),
        wire.FunctionOutput("call_1", "sunny", "b"),
        said(wire.Role.USER, "second"),
        said(wire.Role.USER, "third"),
        wire.FunctionCall("look_up", "call_2", "{}", "c"),
        wire.FunctionOutput("call_2", "long " * 9_000, "d"),
    ]
    messages = request_of(items, "third", CONFIG, limits).messages[1:]
    earlier = [message.text or message.tool_calls[0].id for message in messages[:-3]]
    assert earlier == told
    assert (messages[-3].text, len(messages[-1].text)) == ("third", 45_000)


async def test_calls_and_words_are_told_apart_and_bounded() -> None:
    """Calls as the model wrote them; too many, or giant ones, are left out."""
    giant = replace(CALL, arguments="x" * (LONGEST_ARGUMENTS + 1))
    chat = bench([giant, *[CALL] * (MOST_CALLS + 3), FINISH], [TextDelta(" It is "), FINISH])
    decided = await decide(chat.model, ASKED, Deadline.after(5))
    assert decided.calls == (CALL,) * MOST_CALLS
    decided = await decide(chat.model, ASKED, Deadline.after(5))
    assert (decided.calls, decided.text, decided.engine) == ((), "It is", "fake model")


async def test_one_call_at_a_time_is_one_call() -> None:
    """As parallel_tool_calls false asks; the rest of what the model wrote is not read."""
    chat = bench([CALL, replace(CALL, id="call_2"), FINISH])
    decided = await decide(chat.model, ASKED, Deadline.after(5), most_calls=1)
    assert decided.calls == (CALL,)


async def test_a_model_that_breaks_off_is_unavailable() -> None:
    """So that the documents answer instead."""
    chat = bench([TextDelta("It"), fault(LlmFault.CUT)])
    with pytest.raises(LlmUnavailable):
        await decide(chat.model, ASKED, Deadline.after(5))
