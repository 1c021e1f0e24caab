import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.llm import (
    ChatRequest,
    Finish,
    FinishReason,
    LlmError,
    LlmFault,
    Message,
    Piece,
    Role,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
)
from models.llm_wire import DONE, ChunkReader, body_of, model_names, retry_after_s


def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def read(*events: str) -> list[Piece]:
    reader = ChunkReader()
    return [piece for event in (*events, DONE) for piece in reader.read(event)]


def part(arguments: Any = "", **others: Any) -> dict[str, Any]:
    name = others.pop("name", None)
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{"function": function, **others}]}


def test_a_request_holds_what_was_asked_for_and_nothing_else() -> None:
    """What is not set is left to the endpoint."""
    body = body_of("m", ChatRequest((Message(Role.USER, "hello"),)))
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_tool_turn_goes_back_to_the_model() -> None:
    """Calls and their results are told in the protocol's shape."""
    messages = (
        Message(Role.ASSISTANT, "", (ToolCall("c1", "weather", '{"at":"sea"}'),)),
        Message(Role.TOOL, "rain", tool_call_id="c1"),
    )
    tools = (Tool("weather", "Tells it."),)
    body = body_of("m", ChatRequest(messages, tools, "weather", 50, 0.2))
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"at":"sea"}'},
                }
            ],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "c1"},
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert (body["max_tokens"], body["temperature"]) == (50, 0.2)


def test_text_comes_as_it_is_made() -> None:
    """A role, null content and hidden reasoning are no pieces; usage follows the finish."""
    usage = json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    pieces = read(
        chunk({"role": "assistant", "content": None}),
        chunk({"reasoning_content": "hm"}),
        chunk({"content": "Two"}),
        chunk({"content": " euros."}),
        chunk({}, "stop"),
        usage,
    )
    finish = Finish(FinishReason.STOP, Usage(3, 2))
    assert pieces == [TextDelta("Two"), TextDelta(" euros."), finish]


@pytest.mark.parametrize(
    "parts",
    [
        [part('{"a"', index=0, id="x", name="f"), part(":1}", index=0)],
        [part('{"a"', index=0, id="x", name="f"), part(":1}", index=0, id="x")],
        [part({"a": 1}, id="x", name="f")],
    ],
    ids=["as OpenAI", "the id in every part", "arguments as an object, no index"],
)
def test_a_tool_call_is_put_together(parts: list[dict[str, Any]]) -> None:
    """However an endpoint cuts it, one whole call comes out before the finish."""
    call, finish = read(*map(chunk, parts), chunk({}, "tool_calls"))
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, json.loads(call.arguments)) == ("x", "f", {"a": 1})
    assert finish == Finish(FinishReason.TOOL_CALLS)


def test_calls_that_share_an_index_are_told_apart_by_id() -> None:
    """Some endpoints give every call the index 0; a call without an id gets one."""
    parts = [part("{}", index=0, id=name, name=name) for name in "ab"] + [part("", index=1)]
    pieces = read(*map(chunk, parts), chunk({}, "stop"))
    assert [piece.id for piece in pieces if isinstance(piece, ToolCall)] == ["a", "b", "call_2"]
    assert pieces[-1] == Finish(FinishReason.TOOL_CALLS)


def fault_of(*events: str) -> LlmFault:
    with pytest.raises(LlmError) as raised:
        read(*events)
    return raised.value.fault


@pytest.mark.parametrize(
    "event",
    ["<html>", "[]", '{"choices": 1}', '{"choices": ["x"]}', "[" * 100_000, chunk({"content": 1})],
)
def test_garbage_is_an_error(event: str) -> None:
    """What is not of the protocol never becomes an answer."""
    assert fault_of(event) is LlmFault.GARBLED


def test_an_error_within_the_stream_is_an_error() -> None:
    """The status was 200 long ago."""
    assert fault_of(json.dumps({"error": {"message": "out of memory"}})) is LlmFault.SERVER_ERROR


def test_tool_calls_are_bounded() -> None:
    """In number and in size."""
    many = [chunk(part("", index=number, name="f")) for number in range(40)]
    assert fault_of(*many) is LlmFault.TOO_LARGE
    assert fault_of(*[chunk(part("x" * 10_000, index=0))] * 8) is LlmFault.TOO_LARGE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "finish_reason",
                    "index",
                    "id",
                    "name",
                    "arguments",
                    "usage",
                    "error",
                    "prompt_tokens",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_gives_pieces_or_the_documented_error(value: object) -> None:
    """The oracle: pieces, or LlmError, never anything else."""
    try:
        for piece in read(json.dumps(value)):
            assert isinstance(piece, TextDelta | ToolCall | Finish)
    except LlmError:
        pass


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("soon", None),
        ("-3", None),
        ("1e999", None),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2026 11:00:00", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Seconds or a date; anything else is as good as none."""
    assert retry_after_s(header, datetime(2026, 11, 25, 12, tzinfo=UTC)) == seconds


def test_the_models_of_an_endpoint() -> None:
    """Their ids; what is no list is an error."""
    assert model_names('{"data": [{"id": "a"}, {"id": "b"}]}') == ("a", "b")
    with pytest.raises(LlmError):
        model_names("[]")
