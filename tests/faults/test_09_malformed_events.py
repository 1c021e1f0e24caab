"""Row 9: malformed JSON, unknown type, wrong field types, NaN, duplicate keys, 10,000-deep nesting.

SEEN
"""

import json
from typing import Any

from tests.faults.conftest import FakedServer
from tests.faults.witness import ask, hear, listen, opened


def update(**heard: Any) -> str:
    return json.dumps({"type": "session.update", "session": {"audio": {"input": heard}}})


NESTED = '{"type": "session.update", "session": ' + "[" * 10_000 + "]" * 10_000 + "}"
DETECTION = "session.audio.input.turn_detection"

MISTAKES: list[tuple[str, str | None]] = [
    ("{", None),
    ("", None),
    ("[]", None),
    ("\x00", None),
    (NESTED, None),
    ('{"type": "input_audio_buffer.clear", "type": "response.cancel"}', None),
    ("{}", "type"),
    ('{"type": 7}', "type"),
    ('{"type": "response.sing"}', "type"),
    ('{"type": "session.update", "session": []}', "session"),
    ('{"type": "session.update", "session": {"audio": "loud"}}', "session.audio"),
    (update(turn_detection={"type": "server_vad", "threshold": float("nan")}), None),
    (update(turn_detection={"type": "server_vad", "threshold": "0.5"}), f"{DETECTION}.threshold"),
    (update(turn_detection={"type": "server_vad", "threshold": True}), f"{DETECTION}.threshold"),
    (update(turn_detection={"type": "telepathy"}), f"{DETECTION}.type"),
    (
        update(turn_detection={"type": "server_vad", "silence_duration_ms": 1e300}),
        f"{DETECTION}.silence_duration_ms",
    ),
    ('{"type": "input_audio_buffer.append"}', "audio"),
    ('{"type": "input_audio_buffer.append", "audio": [1, 2]}', "audio"),
    ('{"type": "conversation.item.truncate", "item_id": "x"}', "audio_end_ms"),
    ('{"type": "conversation.item.create", "item": null}', "item"),
]


async def test_each_is_refused_by_name_and_the_session_goes_on(server: FakedServer) -> None:
    """`invalid_request_error` naming the field; the session goes on."""
    connection = await opened(server.url)
    for text, field in MISTAKES:
        await connection.send(text)
        error = (await hear(connection, "error"))["error"]
        assert (text, error["type"]) == (text, "invalid_request_error")
        assert (text[:90], error["param"]) == (text[:90], field)
        assert error["message"]
    await ask(connection, "what does a ticket cost")
    assert (await listen(connection))["outcome"] in ("answered", "refused")
    await connection.close()
    assert connection.close_code == 1000
