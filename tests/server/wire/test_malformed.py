"""Every client event malformed in every field: parsed, or refused by the name of that field."""

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import (
    ConversationItem,
    RealtimeResponseCreateParams,
    RealtimeSessionCreateRequest,
    RealtimeTranscriptionSessionCreateRequest,
)

from server.errors import InvalidEvent
from server.session_settings import default_detection, first_config
from server.settings import Settings
from server.wire.client_events import PARSERS, ClientEvent, parse_client_event
from server.wire.dialect import MOST_APPENDED_BYTES, STOCK_PATH, Dialect
from server.wire.session_update import Surround
from server.wire.support import (
    CLIENT_EVENTS,
    ITEM_FIELDS,
    RESPONSE_FIELDS,
    SERVER_EVENTS,
    SESSION_FIELDS,
)
from tests.sdk_types import check_types
from tests.server.conftest import MakeStand
from tests.server.test_session import ask
from tests.server.wire.test_support import fields_of

STOCK = Dialect(STOCK_PATH, tells_ours=False)
AROUND = Surround(
    first_config(Settings(), STOCK, 22_050), default_detection(Settings(), STOCK), "voice"
)
AUDIO = base64.b64encode(bytes(64)).decode()
AUDIO_TOO_LARGE = base64.b64encode(bytes(MOST_APPENDED_BYTES + 2)).decode()
TOOL = {"type": "function", "name": "look_up", "description": "Looks.", "parameters": {"a": 1}}
MESSAGE = {
    "type": "message",
    "id": "mine",
    "object": "realtime.item",
    "status": "completed",
    "role": "user",
    "content": [
        {"type": "input_text", "text": "When?"},
        {"type": "input_audio", "audio": AUDIO, "transcript": "when"},
    ],
}
SAID = {
    "type": "message",
    "role": "assistant",
    "content": [
        {"type": "output_text", "text": "Now."},
        {"type": "output_audio", "transcript": "now"},
    ],
}
CALL = {"type": "function_call", "name": "look_up", "call_id": "c", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "nothing"}
DETECTION = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": True,
    "interrupt_response": True,
    "idle_timeout_ms": 5000,
}
SEMANTIC = {"type": "semantic_vad", "eagerness": "low"}
PCM = {"type": "audio/pcm", "rate": 24_000}
TRANSCRIPTION = {
    "model": "m",
    "language": "en",
    "languages": ["en"],
    "prompt": "p",
    "keywords": ["k"],
    "delay": "low",
}
NARROWING = {
    "collections": ["a"],
    "documents": ["b.md"],
    "folders": ["c"],
    "tags": ["d"],
    "since": "2024-01-01",
    "until": "2025-01-01T12:00:00+01:00",
}
ANSWERING = {
    "output_modalities": ["audio"],
    "instructions": "Be brief.",
    "tools": [TOOL],
    "tool_choice": {"type": "function", "name": "look_up"},
    "parallel_tool_calls": True,
    "max_output_tokens": 100,
    "reasoning": {"effort": "low"},
    "prompt": None,
}
SESSION = {
    **ANSWERING,
    "type": "realtime",
    "model": "gpt-realtime",
    "include": [],
    "truncation": {
        "type": "retention_ratio",
        "retention_ratio": 0.5,
        "token_limits": {"post_instructions": 1000},
    },
    "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {}},
    "parley": {"filter": NARROWING},
    "audio": {
        "input": {
            "format": PCM,
            "transcription": TRANSCRIPTION,
            "noise_reduction": {"type": "near_field", "strength": 0.5},
            "turn_detection": DETECTION,
        },
        "output": {"format": PCM, "voice": "alloy", "speed": 1.0},
    },
}
BETA_SESSION = {
    "modalities": ["text", "audio"],
    "voice": "alloy",
    "input_audio_format": "pcm16",
    "output_audio_format": "g711_alaw",
    "input_audio_transcription": {"model": "m"},
    "input_audio_noise_reduction": {"type": "far_field"},
    "turn_detection": {"type": "semantic_vad", "eagerness": "high"},
    "temperature": 0.8,
    "max_response_output_tokens": "inf",
    "speed": 1.0,
}
BETA_RESPONSE = {
    "modalities": ["text"],
    "voice": "alloy",
    "output_audio_format": "g711_ulaw",
    "temperature": 0.8,
    "max_response_output_tokens": 100,
}
RESPONSE = {
    **ANSWERING,
    "conversation": "none",
    "metadata": {"key": "value"},
    "input": [MESSAGE, SAID, CALL, OUTPUT, {"type": "item_reference", "id": "i"}],
    "audio": {"output": {"format": PCM, "voice": "alloy"}},
}
WHOLE: list[tuple[dict[str, Any], bool]] = [
    ({"type": "session.update", "session": SESSION}, False),
    ({"type": "session.update", "session": BETA_SESSION}, True),
    (
        {
            "type": "session.update",
            "session": {"audio": {"input": {"turn_detection": SEMANTIC}}, "tracing": "auto"},
        },
        False,
    ),
    ({"type": "input_audio_buffer.append", "audio": AUDIO}, False),
    ({"type": "input_audio_buffer.commit"}, False),
    ({"type": "input_audio_buffer.clear"}, False),
    ({"type": "output_audio_buffer.clear"}, False),
    *[
        (
            {"type": "conversation.item.create", "previous_item_id": "root", "item": item},
            False,
        )
        for item in (MESSAGE, SAID, CALL, OUTPUT)
    ],
    ({"type": "conversation.item.retrieve", "item_id": "i"}, False),
    ({"type": "conversation.item.delete", "item_id": "i"}, False),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "i",
            "content_index": 0,
            "audio_end_ms": 100,
        },
        False,
    ),
    ({"type": "response.create", "response": RESPONSE}, False),
    ({"type": "response.create", "response": BETA_RESPONSE}, True),
    ({"type": "response.cancel", "response_id": "r"}, False),
]
Path = tuple[str | int, ...]
CLOSED = ("parameters",)
"""What is inside of it is kept as it is."""


def paths(value: object, so_far: Path = ()) -> Iterator[Path]:
    """The path of every field of an event, those of lists too."""
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict) and not (so_far and so_far[-1] in CLOSED):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for name, child in children:
        yield (*so_far, name)
        yield from paths(child, (*so_far, name))


FIELDS = [
    (number, path)
    for number, (event, _) in enumerate(WHOLE)
    for path in paths(event)
    if path != ("type",)
]


def written(path: Path) -> str:
    """A path as `param` tells it."""
    told = ""
    for name in path:
        told += f"[{name}]" if isinstance(name, int) else f".{name}" if told else name
    return told


def with_junk(number: int, path: Path, junk: object) -> dict[str, Any]:
    event = copy.deepcopy(WHOLE[number][0])
    inner: Any = event
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = junk
    return {**event, "event_id": "mine"}


def parse(event: dict[str, Any], number: int) -> ClientEvent:
    return parse_client_event(json.dumps(event), replace(AROUND, is_beta=WHOLE[number][1]))


def refusal_of(event: dict[str, Any], number: int) -> InvalidEvent | None:
    """The error that an event is refused with; None when it is taken."""
    try:
        assert isinstance(parse(event, number), ClientEvent)
    except InvalidEvent as error:
        return error
    return None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=8)
    | st.just("x" * 70_000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_the_whole_events_are_taken(number: int) -> None:
    """So that what is refused below is refused for the one field that was spoilt."""
    assert isinstance(parse(WHOLE[number][0], number), ClientEvent)


def test_every_event_is_among_them() -> None:
    """None is forgotten."""
    assert {event["type"] for event, _ in WHOLE} == set(PARSERS)


SESSIONS = (RealtimeSessionCreateRequest, RealtimeTranscriptionSessionCreateRequest)
MCP = ("tools", "tool_choice")
"""What they hold beside a function's fields, which are in TOOL."""
WITHIN = tuple(f"{name}." for name in ("prompt", "input", "audio.output.voice", *MCP))
"""What is kept or refused as a whole; the items of a response's input are those of `item`."""
NO_ITEMS_HERE = ("approv", "reason", "server_label", "error", "tools")
"""Of items that are refused by their type; likewise the parts of an image."""
IMAGES = ("content.image_url", "content.detail")


@pytest.mark.parametrize(
    ("models", "at", "left_out"),
    [
        (SESSIONS, "session", WITHIN),
        ((RealtimeResponseCreateParams,), "response", WITHIN),
        (get_args(ConversationItem), "item", (*NO_ITEMS_HERE, *IMAGES)),
    ],
)
def test_every_field_that_the_sdk_knows_is_among_them(
    models: tuple[object, ...], at: str, left_out: tuple[str, ...]
) -> None:
    """Down to the last one."""
    wanted = {f"{at}.{path}" for model in models for path in fields_of(model)}
    told = {".".join(name for name in path if isinstance(name, str)) for _, path in FIELDS}
    within = tuple(f"{at}.{path}" for path in left_out)
    assert not sorted(path for path in wanted - told if not path.startswith(within))


@given(st.sampled_from(FIELDS), json_values)
def test_a_spoilt_field_is_named_or_taken(field: tuple[int, Path], junk: object) -> None:
    """`param` is the field, something in it, or what it is in; the client's event id is told."""
    number, path = field
    told = refusal_of(with_junk(number, path, junk), number)
    if told is not None:
        name = written(path)
        assert told.param is not None
        assert told.param.startswith(name) or name.startswith(told.param)
        assert told.event_id == "mine"


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: f"{field[0]}-{written(field[1])}")
def test_no_field_takes_what_is_nothing_like_it(field: tuple[int, Path]) -> None:
    """A list of a list is no value of any field."""
    number, path = field
    with pytest.raises(InvalidEvent):
        parse(with_junk(number, path, [[]]), number)


JUNK: list[object] = [None, True, -1, 1e300, "", "x" * 70_000, {}, {"a": [{}]}, [None]]


async def test_a_session_outlives_whatever_is_taken(make_stand: MakeStand) -> None:
    """Each field with each kind of junk: what is not refused takes effect, and nothing ends."""
    stand = make_stand(STOCK)
    for number, path in FIELDS:
        if not WHOLE[number][1]:
            stand.messages.send(*(with_junk(number, path, junk) for junk in JUNK))
    fresh = {"output_modalities": ["text"], "tools": [], "max_output_tokens": "inf"}
    stand.messages.send({"type": "session.update", "session": fresh})
    stand.messages.send({"type": "output_audio_buffer.clear"})
    await stand.wire.wait_for("output_audio_buffer.cleared", timeout_s=60)
    answered = stand.wire.types().count("response.done")
    stand.messages.send(*ask("what does a ticket cost"))
    done = await stand.wire.wait_for("response.done", answered + 1)
    assert done["response"]["status"] == "completed"
    await stand.end()
    check_types(stand.wire.events)


async def test_a_session_outlives_them_all(make_stand: MakeStand) -> None:
    """Each spoilt field, one event after the other, on one connection; then an answer."""
    stand = make_stand(STOCK)
    for number, path in FIELDS:
        if not WHOLE[number][1]:
            stand.messages.send(with_junk(number, path, [[]]))
    stand.messages.send({"type": "response.sing"}, "{", "[]", '{"type": 5}')
    stand.messages.send({"type": "conversation.item.delete", "item_id": "nobody"})
    stand.messages.send({"type": "input_audio_buffer.append", "audio": "***"})
    stand.messages.send(*ask("what does a ticket cost"))
    done = await stand.wire.wait_for("response.done")
    assert done["response"]["status"] == "completed"
    sent = sum(not WHOLE[number][1] for number, _ in FIELDS) + 6
    assert stand.wire.types().count("error") == sent
    await stand.end()


PICTURE = {**MESSAGE, "content": [{"type": "input_image", "image_url": "data:"}]}
MCP_TOOL = {"type": "mcp", "server_label": "s", "server_url": "http://127.0.0.1"}
MCP_CHOICE = {"type": "mcp", "server_label": "s"}


@pytest.mark.parametrize(
    ("event", "param", "code", "told"),
    [
        ({"audio": base64.b64encode(bytes(3)).decode()}, "audio", "bad_frame", CLIENT_EVENTS),
        ({"audio": AUDIO_TOO_LARGE}, "audio", "audio_too_large", CLIENT_EVENTS),
        ({"session": {"tools": [MCP_TOOL]}}, "session.tools[0].type", "unsupported", SERVER_EVENTS),
        (
            {"session": {"tool_choice": MCP_CHOICE}},
            "session.tool_choice",
            "invalid_value",
            SESSION_FIELDS,
        ),
        ({"session": {"include": ["x"]}}, "session.include", "unsupported", SESSION_FIELDS),
        ({"session": {"prompt": {"id": "p"}}}, "session.prompt", "unsupported", SESSION_FIELDS),
        (
            {"session": {"audio": {"output": {"voice": {"id": "v"}}}}},
            "session.audio.output.voice",
            "unsupported",
            SESSION_FIELDS,
        ),
        ({"item": {"type": "mcp_call"}}, "item.type", "unsupported", ITEM_FIELDS),
        ({"item": PICTURE}, "item.content[0].type", "invalid_value", ITEM_FIELDS),
        ({"response": {"prompt": {"id": "p"}}}, "response.prompt", "unsupported", RESPONSE_FIELDS),
    ],
)
def test_what_the_page_says_is_refused_is_refused_so(
    event: dict[str, Any], param: str, code: str, told: dict[str, str]
) -> None:
    """With the code and the field of its tables."""
    kinds = {
        "audio": "input_audio_buffer.append",
        "session": "session.update",
        "item": "conversation.item.create",
        "response": "response.create",
    }
    with pytest.raises(InvalidEvent) as refused:
        parse({"type": kinds[next(iter(event))], **event}, 0)
    assert (refused.value.param, refused.value.event_code) == (param, code)
    assert any(f"`{code}`" in row for row in told.values())
