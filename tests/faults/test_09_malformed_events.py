"""Row 9: malformed JSON, unknown type, wrong field types, NaN, duplicate keys, 10,000-deep nesting.

Seen to fail: with duplicate keys let through the last one counted; with RecursionError not
caught the session ended; with `isinstance(value, bool)` left out of the numbers True was a
number.
"""

import json
from typing import Any

from tests.faults.conftest import FakedServer
from tests.faults.figures import Figure
from tests.faults.witness import ask, hear, listen, opened, witnessed


def update(**heard: Any) -> str:
    return json.dumps({"type": "session.update", "session": {"audio": {"input": heard}}})


NESTED = '{"type": "session.update", "session": ' + "[" * 10_000 + "]" * 10_000 + "}"
DETECTION = "session.audio.input.turn_detection"

MISTAKES: list[tuple[str, str | None, str]] = [
    ("{", None, "invalid_json"),
    ("", None, "invalid_json"),
    ("[]", None, "invalid_json"),
    ("\x00", None, "invalid_json"),
    (NESTED, None, "invalid_json"),
    ('{"type": "response.cancel", "type": "input_audio_buffer.clear"}', None, "invalid_json"),
    (update(turn_detection={"threshold": float("nan")}), None, "invalid_json"),
    ("{}", "type", "missing_type"),
    ('{"type": 7}', "type", "missing_type"),
    ('{"type": "response.sing"}', "type", "unknown_event"),
    ('{"type": "session.update", "session": []}', "session", "invalid_type"),
    ('{"type": "session.update", "session": {"audio": 1}}', "session.audio", "invalid_type"),
    (update(turn_detection={"threshold": "0.5"}), f"{DETECTION}.threshold", "invalid_type"),
    (
        update(turn_detection={"prefix_padding_ms": True}),
        f"{DETECTION}.prefix_padding_ms",
        "invalid_type",
    ),
    (update(turn_detection={"type": "telepathy"}), f"{DETECTION}.type", "invalid_value"),
    (
        update(turn_detection={"silence_duration_ms": 1e300}),
        f"{DETECTION}.silence_duration_ms",
        "invalid_value",
    ),
    ('{"type": "input_audio_buffer.append"}', "audio", "invalid_type"),
    ('{"type": "input_audio_buffer.append", "audio": [1, 2]}', "audio", "invalid_type"),
    (
        '{"type": "conversation.item.truncate", "item_id": "x"}',
        "audio_end_ms",
        "missing_required_parameter",
    ),
    ('{"type": "conversation.item.create", "item": 7}', "item", "invalid_type"),
]


async def test_each_is_refused_by_name_and_the_session_goes_on(
    server: FakedServer, figure: Figure
) -> None:
    """`invalid_request_error` naming the field; the session goes on."""
    async with witnessed(server.url, figure), await opened(server.url) as connection:
        for text, field, code in MISTAKES:
            await connection.send(text)
            error = (await hear(connection, "error"))["error"]
            told = (error["type"], error["param"], error["code"])
            assert (text[:90], *told) == (text[:90], "invalid_request_error", field, code)
            assert error["message"]
        await ask(connection, "what does a ticket cost")
        assert (await listen(connection))["outcome"] in ("answered", "refused")
