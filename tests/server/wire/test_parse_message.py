"""Where a message is parsed: a long one beside the event loop."""

import asyncio
import json
import threading

import pytest

from server.wire.parse_message import event_id_of


def test_a_long_message_is_searched_for_its_id_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """24 MiB take 60 ms: other sessions are served meanwhile."""
    threads: list[int] = []
    loads = json.loads

    def noted(message: str) -> object:
        threads.append(threading.get_ident())
        return loads(message)

    monkeypatch.setattr("server.wire.parse_message.json.loads", noted)
    for length in (1, 100_000):
        told = json.dumps({"event_id": "mine", "audio": "A" * length})
        assert asyncio.run(event_id_of(told)) == "mine"
    assert threads[0] == threading.get_ident() != threads[1]
