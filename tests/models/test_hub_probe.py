"""Whether the hub answers: asked once, never for longer than allowed."""

import socket
import threading
from collections.abc import Iterator

import pytest

from models.fetch import hub_answers
from tests.models.entries import hub_files
from tests.models.hub import Fault, Hub, running_hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub(hub_files()) as running:
        yield running


def test_the_hub_answers(hub: Hub) -> None:
    """A hub that is there is seen, and asked once."""
    assert hub_answers(hub.endpoint)
    assert [asked.method for asked in hub.asked] == ["HEAD"]


@pytest.mark.parametrize("status", [403, 407, 500, 503])
def test_a_refusal_is_no_hub(status: int, hub: Hub) -> None:
    """A filter or a broken hub counts as none."""
    hub.faults = [Fault(status=status)]
    assert not hub_answers(hub.endpoint)


def test_a_silent_hub_is_not_waited_for(hub: Hub) -> None:
    """A hub that accepts and never answers would hold the start up for ever."""
    hub.faults = [Fault(hangs_after_bytes=0)]
    assert not hub_answers(hub.endpoint, within_s=0.1)


@pytest.mark.parametrize("endpoint", ["", "http://a:b", "hub.example", "http://127.0.0.1:1"])
def test_no_hub_is_no_error(endpoint: str) -> None:
    """Nothing that can be set makes the question raise."""
    assert not hub_answers(endpoint, within_s=1)


def test_a_name_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name look-up, which has no deadline of its own, does not hold the start up."""
    hanging, ended = threading.Event(), threading.Event()

    def look_up(*unused: object, **unused_too: object) -> list[object]:
        hanging.wait()
        ended.set()
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert not hub_answers("http://hub.invalid", within_s=0.1)
    hanging.set()
    assert ended.wait(10)
