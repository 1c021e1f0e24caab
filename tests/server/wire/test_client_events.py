"""server/wire/client_events.py: parses, or raises InvalidEvent naming the field, only."""

import base64
import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidEvent
from server.session_settings import default_detection, first_config
from server.settings import Settings
from server.wire import client_events as asked
from server.wire.client_events import PARSERS
from server.wire.client_events import parse_client_event as parse_around
from server.wire.detection import Detection, DetectionType
from server.wire.dialect import OWN
from server.wire.items import Message, Part, PartKind, Role
from server.wire.session_update import Surround

NOW = first_config(Settings(), OWN, 22_050)
DETECTION = default_detection(Settings(), OWN)


def parse_client_event(text: str) -> asked.ClientEvent:
    return parse_around(text, Surround(NOW, DETECTION, "voice"))


def user(text: str) -> Message:
    return Message(Role.USER, (Part(PartKind.INPUT_TEXT, text),))


def refused(message: object) -> InvalidEvent:
    text = message if isinstance(message, str) else json.dumps(message)
    with pytest.raises(InvalidEvent) as error:
        parse_client_event(text)
    return error.value


def test_parses_each_event() -> None:
    """One dataclass per type."""
    audio = base64.b64encode(b"\x01\x02").decode()
    text = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "When?"}],
    }
    expected = {
        '{"type": "input_audio_buffer.commit"}': asked.CommitAudio(),
        '{"type": "input_audio_buffer.clear"}': asked.ClearAudio(),
        '{"type": "response.create"}': asked.CreateResponse(NOW),
        '{"type": "response.cancel"}': asked.CancelResponse(),
        json.dumps({"type": "input_audio_buffer.append", "audio": audio}): asked.AppendAudio(
            b"\x01\x02"
        ),
        json.dumps({"type": "conversation.item.create", "item": text}): asked.CreateItem(
            user("When?")
        ),
        json.dumps(
            {"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 250}
        ): asked.TruncateItem("i", 250),
    }
    for message, event in expected.items():
        assert parse_client_event(message) == event


def test_session_update_takes_what_is_given_and_leaves_the_rest() -> None:
    """What is absent stays; turn_detection null is a wish, its absence is none."""
    empty = parse_client_event('{"type": "session.update", "session": {}}')
    assert empty == asked.UpdateSession(NOW)
    heard = {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}
    message = {"type": "session.update", "session": {"audio": {"input": heard}}}
    wanted = replace(DETECTION, type=DetectionType.SERVER_VAD, silence_duration_ms=700)
    assert parse_client_event(json.dumps(message)) == asked.UpdateSession(
        replace(NOW, detection=wanted)
    )
    message["session"] = {"audio": {"input": {"turn_detection": None}}}
    assert parse_client_event(json.dumps(message)) == asked.UpdateSession(
        replace(NOW, detection=None)
    )
    assert isinstance(NOW.detection, Detection)


@pytest.mark.parametrize(
    ("session", "param"),
    [
        (3, "session"),
        ({"audio": []}, "session.audio"),
        ({"audio": {"input": {"turn_detection": 5}}}, "session.audio.input.turn_detection"),
        (
            {"audio": {"input": {"turn_detection": {"silence_duration_ms": 1e9}}}},
            "session.audio.input.turn_detection.silence_duration_ms",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "none"}}}},
            "session.audio.input.turn_detection.type",
        ),
        ({"audio": {"input": {"format": {"rate": 4000}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"format": {"rate": True}}}}, "session.audio.input.format.rate"),
        ({"audio": {"output": {"speed": "fast"}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"voice": "nobody"}}}, "session.audio.output.voice"),
        ({"audio": {"output": {"voice": {"id": "mine"}}}}, "session.audio.output.voice"),
        (
            {"audio": {"input": {"format": {"type": "audio/opus"}}}},
            "session.audio.input.format.type",
        ),
        ({"output_modalities": ["audio", "text"]}, "session.output_modalities"),
        ({"type": "transcription"}, "session.type"),
        ({"prompt": {"id": "pmpt_1"}}, "session.prompt"),
        ({"include": ["item.input_audio_transcription.logprobs"]}, "session.include"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "session.tools[0].type"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"tool_choice": "sometimes"}, "session.tool_choice"),
    ],
)
def test_names_the_field_that_is_wrong(session: object, param: str) -> None:
    """`param` is the path of the field; the event's own id is echoed."""
    error = refused({"type": "session.update", "event_id": "mine", "session": session})
    assert (error.param, error.event_id) == (param, "mine")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"text"',
        "null",
        '{"type": "response.create", "type": "response.cancel"}',
        '{"type": "session.update", "session": {"audio": {"output": {"speed": NaN}}}}',
        '{"type": "session.update", "session": Infinity}',
        "[" * 10_000 + "]" * 10_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "9" * 10_000,
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_malformed_json_is_refused(text: str) -> None:
    """Half JSON, other values, double keys, NaN, 10,000-deep nesting, endless numbers."""
    assert refused(text).event_code == "invalid_json"


def test_unknown_and_missing_types_say_what_is_supported() -> None:
    """The message lists what could have been sent."""
    assert refused({"type": "response.sing"}).event_code == "unknown_event"
    assert "response.create" in str(refused({"type": "response.sing"}))
    assert refused({}).event_code == "missing_type"
    assert refused({"type": 7}).event_code == "missing_type"


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": "message", "role": "narrator"},
        {"type": "message", "content": "text"},
        {"type": "message", "content": []},
        {"type": "message", "content": [{"type": "input_image"}]},
        {"type": "message", "content": [{"type": "input_text", "text": "   "}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "   "}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "x" * 32_769}],
        },
    ],
)
def test_typed_questions_must_be_one_text(item: object) -> None:
    """A user's message needs a role, parts, and text within its bounds."""
    assert (refused({"type": "conversation.item.create", "item": item}).param or "").startswith(
        "item"
    )


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    """JSON may carry what UTF-8 cannot; the text must survive being stored and sent."""
    content = [{"type": "input_text", "text": "a\ud800b"}]
    item = {"type": "message", "role": "user", "content": content}
    event = parse_client_event(json.dumps({"type": "conversation.item.create", "item": item}))
    assert event == asked.CreateItem(user("a?b"))


def test_audio_must_be_base64() -> None:
    """Anything else names `audio`."""
    for audio in ("***", "abc", 5, None):
        assert refused({"type": "input_audio_buffer.append", "audio": audio}).param == "audio"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
kinds = st.sampled_from([*PARSERS, "other"])
fields = st.sampled_from(["session", "audio", "item", "item_id", "audio_end_ms", "event_id"])


@given(kinds, st.dictionaries(fields, json_values))
def test_any_json_parses_or_is_refused(kind: str, message: dict[str, object]) -> None:
    """The fuzz oracle."""
    try:
        event = parse_client_event(json.dumps({"type": kind, **message}))
    except InvalidEvent:
        return
    assert isinstance(event, asked.ClientEvent)


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """Not even JSON is needed."""
    with contextlib.suppress(InvalidEvent):
        assert isinstance(parse_client_event(text), asked.ClientEvent)
