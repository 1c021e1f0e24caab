"""Sessions that go on by their token after the connection was lost: words, sound and settings."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from audio.pcm import Samples
from server.items import Items
from server.parking import BYTES_A_SESSION, KEPT_S, MOST_BYTES, MOST_KEPT, Parked, Parking, Place
from server.question import Question
from server.session import Session
from server.session_settings import first_config
from server.settings import Settings
from server.speaking.response import Wish
from server.wire.dialect import OWN
from server.wire.outbox import Outbox
from tests.clients.conftest import prepared_data_dir, served, spoken
from tests.fakes import FakeMessages, FakeWire
from tests.server.conftest import MakeStand
from tests.server.running import RunningApp
from tests.server.test_session import ask

__all__ = ["prepared_data_dir", "served", "spoken"]

PATIENCE_S = 30
QUESTION = "What does the car park cost?"


@dataclass(slots=True)
class Line:
    """One connection to /ws: its events and how much sound came."""

    socket: ClientConnection
    events: list[dict[str, Any]] = field(default_factory=list)
    sound_bytes: int = 0

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.socket.recv()
                if isinstance(message, bytes):
                    self.sound_bytes += len(message)
                    continue
                self.events.append(json.loads(message))
                if self.events[-1]["type"] == kind:
                    return self.events[-1]

    async def until_sound(self, seconds: float) -> None:
        rate_hz = self.session["audio"]["output"]["format"]["rate"]
        async with asyncio.timeout(PATIENCE_S):
            while self.sound_bytes < 2 * seconds * rate_hz:
                message = await self.socket.recv()
                if isinstance(message, bytes):
                    self.sound_bytes += len(message)
                else:
                    self.events.append(json.loads(message))

    async def send(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self.socket.send(json.dumps(event))

    @property
    def session(self) -> dict[str, Any]:
        session: dict[str, Any] = self.events[0]["session"]
        return session

    @property
    def token(self) -> str:
        return str(self.session["parley"]["resume"]["token"])

    def last(self, kind: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == kind)

    def drop(self) -> None:
        """As a link that breaks: no close frame."""
        self.socket.transport.abort()


@asynccontextmanager
async def line(served: RunningApp, query: str = "", path: str = "/ws") -> AsyncIterator[Line]:
    url = f"ws://127.0.0.1:{served.port}{path}{query}"
    async with connect(url, compression=None, max_size=None) as socket:
        opened = Line(socket)
        await opened.until("session.created")
        yield opened


def words(line: Line) -> str:
    deltas = [e for e in line.events if e["type"] == "response.output_audio_transcript.delta"]
    return "".join(event["delta"] for event in deltas)


async def test_what_was_not_heard_is_said_after_the_drop(served: RunningApp) -> None:
    """The rest of the answer, as a response of its own, from the word that was not heard."""
    async with line(served) as first:
        token = first.token
        assert first.session["parley"]["resume"]["seconds"] == 120
        wishes = {"instructions": "mine", "audio": {"output": {"speed": 2.0}}}
        await first.send({"type": "session.update", "session": wishes})
        await first.send(*ask(QUESTION))
        await first.until_sound(1.0)
        item_id = first.last("response.output_item.added")["item"]["id"]
        first.drop()
    async with line(served, f"?resume={token}") as second:
        assert second.session["parley"]["resume"]["is_resumed"]
        assert second.session["instructions"] == "mine"
        assert second.token != token
        report = await second.until("parley.turn")
        assert report["outcome"] == "answered"
        await second.send({"type": "conversation.item.retrieve", "item_id": item_id})
        old = (await second.until("conversation.item.retrieved"))["item"]
        heard = old["content"][0]["transcript"].split()
        rest = report["answer"].split()
        assert heard
        assert rest
        assert old["status"] == "incomplete"
    async with line(served) as other:
        question, create = ask(QUESTION)
        await other.send(question, {**create, "response": {"output_modalities": ["text"]}})
        whole = (await other.until("response.output_text.done"))["text"].split()
    assert [*heard, *rest] == whole


async def test_the_client_may_say_how_far_it_heard(served: RunningApp) -> None:
    """item_id and audio_end_ms in the address: its own word counts, here that it heard nothing."""
    async with line(served) as first:
        await first.send(*ask(QUESTION))
        added = await first.until("response.output_item.added")
        await first.until_sound(1.0)
        token = first.token
        first.drop()
    query = f"?resume={token}&item_id={added['item']['id']}&audio_end_ms=0"
    async with line(served, query) as second:
        await second.until("response.output_audio_transcript.delta")
        assert words(second).startswith("According to")


@pytest.mark.parametrize("is_spoken", [True, False])
async def test_a_question_that_was_not_answered_is_answered(
    make_stand: MakeStand, spoken: Samples, is_spoken: bool
) -> None:
    """The connection was lost before any answer: the resumed session gives it, asked once."""
    stand = make_stand()
    stand.recognizer.text = "what does a ticket cost"
    (stand.recognizer if is_spoken else stand.synthesizer).go.clear()
    if is_spoken:
        stand.say(spoken)
        await stand.wire.wait_for("input_audio_buffer.committed")
    else:
        stand.messages.send(*ask("what does a ticket cost"))
        await stand.wire.wait_for("response.content_part.added")
    await stand.end()
    left = stand.session._left()
    assert left.left is not None
    stand.recognizer.go.set()
    stand.synthesizer.go.set()
    wire, messages = FakeWire(), FakeMessages()
    outbox = Outbox(wire, "next", 5)
    session = Session("next", outbox, stand.shared, place=Place("token", left))
    running = asyncio.create_task(session.run(messages))
    report = await wire.wait_for("parley.turn")
    assert report["outcome"] == "answered"
    assert "twelve euros" in report["answer"]
    messages.end()
    await running


async def test_a_client_that_comes_back_before_the_loss_is_noticed(served: RunningApp) -> None:
    """The old connection is ended as resumed_elsewhere, and its answer goes on by the new one."""
    async with line(served) as first:
        await first.send(*ask(QUESTION))
        await first.until_sound(0.5)
        async with line(served, f"?resume={first.token}") as second:
            assert second.session["parley"]["resume"]["is_resumed"]
            assert (await first.until("error"))["error"]["code"] == "resumed_elsewhere"
            await second.until("response.output_audio_transcript.delta")


@pytest.mark.parametrize("token", ["", "nobodys", "x" * 500])
async def test_an_unknown_token_is_told_and_the_session_works(
    served: RunningApp, token: str
) -> None:
    """A new session, an error that names `resume`, an answer."""
    async with line(served, f"?resume={token or '%00'}") as opened:
        error = (await opened.until("error"))["error"]
        assert (error["code"], error["param"]) == ("session_not_found", "resume")
        await opened.send(*ask("What does a day ticket cost?"))
        await opened.until("response.created")


async def test_a_token_works_once_and_not_after_a_goodbye(served: RunningApp) -> None:
    """Closed with 1000 the conversation is over; used once, the token is another's."""
    async with line(served) as first:
        token = first.token
    async with line(served, f"?resume={token}") as second:
        assert (await second.until("error"))["error"]["code"] == "session_not_found"
        again = second.token
        second.drop()
    for is_resumed in (True, False):
        async with line(served, f"?resume={again}") as third:
            assert third.session["parley"]["resume"]["is_resumed"] is is_resumed


async def test_a_stock_client_resumes_too_on_its_own_path_only(served: RunningApp) -> None:
    """The token is under `parley` of session.created; on the other path it is unknown."""
    async with line(served, path="/v1/realtime") as first:
        await first.send(*ask(QUESTION))
        await first.until("response.output_audio.delta")
        token = first.token
        first.drop()
    async with line(served, f"?resume={token}", "/v1/realtime") as second:
        assert second.session["parley"]["resume"]["is_resumed"]
        await second.until("response.output_audio.delta")
        token = second.token
        second.drop()
    async with line(served, f"?resume={token}") as third:
        assert not third.session["parley"]["resume"]["is_resumed"]


def parked(sound_s: float = 0.0) -> Parked:
    config = first_config(Settings(), OWN, 22_050)
    samples = np.zeros(int(sound_s * 16_000), np.float32)
    question = Question("item", 0.0, Wish(config), samples=samples)
    return Parked(OWN.path, config, Items("test", Outbox(FakeWire(), "test", 1.0)), question)


async def test_what_is_kept_is_bounded_in_time_number_and_bytes() -> None:
    """Two minutes; the oldest go first when there are too many or they are too large."""
    now_s = 0.0
    parking = Parking(lambda: now_s)
    tokens = [parking.issue(Place()) for _ in range(MOST_KEPT + 1)]
    for token in tokens:
        parking.park(token, parked())
    assert len(parking) == MOST_KEPT
    assert await parking.claim(tokens[0], OWN.path) is None
    assert await parking.claim(tokens[1], OWN.path) is not None
    now_s = KEPT_S - 1
    assert await parking.claim(tokens[2], OWN.path) is not None
    now_s = KEPT_S
    assert await parking.claim(tokens[3], OWN.path) is None
    large = [parking.issue(Place()) for _ in range(40)]
    for token in large:
        parking.park(token, parked(30.0))
    assert MOST_BYTES - 3_000_000 < parking.size_bytes <= MOST_BYTES
    assert parked(30.0).size_bytes == BYTES_A_SESSION + 30 * 16_000 * 4
    assert await parking.claim(large[-1], OWN.path) is not None
