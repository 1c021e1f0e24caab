"""Row 24: LLM refused, 500, 429, 401, a hang in each phase, garbage, nothing, endless, cut.

Seen to fail: with LlmUnavailable raised in `compose` the turn failed; without
Script.tell_trouble nobody was told; with one try a passing 500 was noticed; with the first
endpoint only, the second never answered; without Endpoint.failed the next turn waited again;
without ModelReply's quoting the answer ended where the model did; without the bound in
Generation it never ended; without one phase's deadline another, or none, ended the call.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.llm import ChatDeadlines, LlmFault
from models.llm_client import LlmClient
from tests.llm_server import LlmServer, Play, llm_server, says
from tests.models.test_llm_client import deaf_port
from tests.server.conftest import MakeStand, Stand
from tests.server.test_model_answers import ask

SHORT = ChatDeadlines(connect_s=0.15, first_token_s=0.25, between_tokens_s=0.2, total_s=0.6)
PATIENCE_S = 0.7
TURN_S = 6.0
"""What a turn may take at all."""
LONG = ChatDeadlines(30, 30, 30, 60)
"""For what is to be answered, on however slow a machine."""
QUOTED = "According to Prices, a day ticket costs twelve euros."
SAID = "The model says twelve euros."
HEALTHY = says("The model says ", "twelve euros. [P1]")


@pytest.fixture
def endpoint() -> Iterator[LlmServer]:
    with llm_server() as server:
        server.usual = HEALTHY
        yield server


@asynccontextmanager
async def stand_at(
    make_stand: MakeStand, *addresses: str, deadlines: ChatDeadlines = SHORT, **changes: Any
) -> AsyncIterator[Stand]:
    """A session that asks these endpoints."""
    clients = [LlmClient(address, "test-model", "key", deadlines) for address in addresses]
    patience_s = PATIENCE_S if deadlines is SHORT else 5.0
    stand = make_stand(
        chats=clients,
        lead_ms=5000,
        llm_patience_s=patience_s,
        turn_timeout_s=TURN_S,
        **changes,
    )
    yield stand
    await stand.end()


async def asked_in_time(stand: Stand, turn: int = 1) -> dict[str, Any]:
    """Ask, and have the answer before the turn's deadline; the model's retries count."""
    async with asyncio.timeout(TURN_S):
        return await ask(stand, turn=turn)


def is_told(stand: Stand, report: dict[str, Any]) -> bool:
    """Whether the client was told, and the operator will be."""
    codes = [event["error"]["code"] for event in stand.wire.events if event["type"] == "error"]
    counted = stand.shared.metrics.render().decode()
    return (
        codes == ["llm_unavailable"]
        and report["engines"]["answer"] == "extractive"
        and 'parley_llm_answers_total{by="unavailable"} 1.0' in counted
    )


FAILURES = {
    "500": Play(status=500),
    "429": Play(status=429, headers={"Retry-After": "30"}),
    "401": Play(status=401),
    "hangs before its head": Play(hangs_at="head"),
    "hangs before its first token": Play(hangs_at="body"),
    "is cut before its first token": Play(is_cut=True),
    "no JSON": Play(raw=b"data: <html>\n\n"),
    "no event stream": Play(raw=b"{}", headers={"Content-Type": "text/html"}),
    "empty": Play(raw=b""),
    "never a sentence": says("on and ", is_endless=True, pause_s=0.05),
    "half a sentence, then silence": says("The model s", hangs_at="body"),
    "only keeps alive": Play([{"role": "assistant"}], is_endless=True, pause_s=0.01),
}


@pytest.mark.parametrize("play", FAILURES.values(), ids=FAILURES)
async def test_the_passages_are_read_instead_and_said_so(
    make_stand: MakeStand, endpoint: LlmServer, play: Play
) -> None:
    """The passages are read aloud within the turn's deadline, and `llm_unavailable` is told."""
    endpoint.usual = play
    async with stand_at(make_stand, endpoint.base_url) as stand:
        report = await asked_in_time(stand)
        assert (report["outcome"], report["answer"]) == ("answered", QUOTED)
        assert is_told(stand, report)


@pytest.mark.parametrize("closed", [True, False], ids=["refused", "hangs at connect"])
async def test_an_endpoint_that_is_not_there(make_stand: MakeStand, closed: bool) -> None:
    """Refused, or neither taken nor refused; once it is known, no turn loses time to it."""
    with deaf_port() as deaf, socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1] if closed else deaf
        listening.close()
        async with stand_at(make_stand, f"http://127.0.0.1:{port}/v1") as stand:
            report = await asked_in_time(stand)
            assert report["answer"] == QUOTED
            assert is_told(stand, report)
            calls = dict(stand.shared.metrics.llm.calls)
            assert (await asked_in_time(stand, 2))["answer"] == QUOTED
            assert stand.shared.metrics.llm.calls == calls


@pytest.mark.parametrize(
    ("deadlines", "play", "fault"),
    [
        (ChatDeadlines(0.15, 30, 30, 60), None, LlmFault.CONNECT_TIMEOUT),
        (ChatDeadlines(30, 0.25, 30, 60), Play(hangs_at="body"), LlmFault.FIRST_TOKEN_TIMEOUT),
        (ChatDeadlines(30, 30, 0.2, 60), says("The", hangs_at="body"), LlmFault.STALLED),
        (
            ChatDeadlines(30, 30, 30, 0.6),
            says("on and ", is_endless=True, pause_s=0.05),
            LlmFault.TOTAL_TIMEOUT,
        ),
    ],
    ids=["connect", "first token", "between tokens", "in all"],
)
async def test_each_phase_has_a_deadline_of_its_own(
    make_stand: MakeStand,
    endpoint: LlmServer,
    deadlines: ChatDeadlines,
    play: Play | None,
    fault: LlmFault,
) -> None:
    """With all others far away the passages are read, and the fault is called by its name."""
    endpoint.usual = play or HEALTHY
    with deaf_port() as deaf:
        address = endpoint.base_url if play else f"http://127.0.0.1:{deaf}/v1"
        async with stand_at(make_stand, address, deadlines=deadlines, llm_retries=0) as stand:
            assert (await asked_in_time(stand))["answer"] == QUOTED
            assert {name for _, name in stand.shared.metrics.llm.calls} == {fault}


@pytest.mark.parametrize(
    ("play", "ending"),
    [
        (says("The model says twelve euros. [P1] And", hangs_at="body"), f"{SAID} {QUOTED}"),
        (says("The model says twelve euros. [P1] And", is_cut=True), f"{SAID} {QUOTED}"),
    ],
    ids=["hangs", "is cut"],
)
async def test_an_answer_that_stops_in_the_middle_goes_on_from_the_documents(
    make_stand: MakeStand, endpoint: LlmServer, play: Play, ending: str
) -> None:
    """What was said stays said, nothing is asked twice, and the client is told."""
    endpoint.usual = play
    async with stand_at(make_stand, endpoint.base_url) as stand:
        assert (await asked_in_time(stand))["answer"] == ending
        assert stand.wire.last("error")["error"]["code"] == "llm_unavailable"
        assert len(endpoint.requests) == 1


async def test_an_endless_answer_is_cut_at_the_spoken_length(
    make_stand: MakeStand, endpoint: LlmServer
) -> None:
    """The connection is closed, by which the endpoint stops."""
    endpoint.usual = says("The model says twelve euros. [P1] ", is_endless=True)
    short = {"answer_maximum_characters": 150}
    async with stand_at(make_stand, endpoint.base_url, deadlines=LONG, **short) as stand:
        report = await asked_in_time(stand)
        assert len(report["answer"]) <= 150
        assert report["answer"].startswith(f"{SAID} {SAID}")
        await _until(lambda: endpoint.abandoned == 1)


async def test_a_failure_that_passes_is_not_noticed(
    make_stand: MakeStand, endpoint: LlmServer
) -> None:
    """Tried again within the patience; after 429 not before the time that was asked for."""
    endpoint.plays += [Play(status=500), Play(status=429, headers={"Retry-After": "0.2"})]
    async with stand_at(make_stand, endpoint.base_url, deadlines=LONG) as stand:
        assert (await asked_in_time(stand))["answer"] == SAID
        assert "error" not in stand.wire.types()
        assert len(endpoint.requests) == 3


async def test_the_second_endpoint_takes_over(make_stand: MakeStand, endpoint: LlmServer) -> None:
    """Without a word to the client; the report names who answered."""
    away = "http://127.0.0.1:1/v1"
    async with stand_at(make_stand, away, endpoint.base_url, deadlines=LONG) as stand:
        report = await asked_in_time(stand)
        assert report["answer"] == SAID
        assert str(endpoint.port) in report["engines"]["answer"]
        assert "error" not in stand.wire.types()


async def test_others_are_answered_while_one_waits(
    make_stand: MakeStand, endpoint: LlmServer
) -> None:
    """The witness asks what needs no model; it does not wait for the one that hangs."""
    endpoint.usual = Play(hangs_at="head")
    witness = make_stand(lead_ms=5000)
    async with stand_at(make_stand, endpoint.base_url) as stand:
        waiting = asyncio.create_task(asked_in_time(stand))
        await _until(lambda: bool(endpoint.requests))
        assert (await ask(witness))["answer"] == QUOTED
        assert not waiting.done()
        assert (await waiting)["answer"] == QUOTED
    await witness.end()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
