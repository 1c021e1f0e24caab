import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from models.llm import (
    ChatDeadlines,
    ChatRequest,
    Finish,
    FinishReason,
    LlmError,
    LlmFault,
    Message,
    Piece,
    Role,
    TextDelta,
    ToolCall,
    Usage,
)
from models.llm_client import LlmClient
from tests.llm_server import LlmServer, Play, calls, llm_server, says

QUESTION = ChatRequest((Message(Role.USER, "what does it cost"),))
PATIENT = ChatDeadlines(30, 30, 30, 60)
SHORT = ChatDeadlines(0.2, 0.2, 0.2, 30)


@pytest.fixture
def endpoint() -> Iterator[LlmServer]:
    with llm_server() as server:
        yield server


@asynccontextmanager
async def client_of(base_url: str, deadlines: ChatDeadlines = PATIENT) -> AsyncIterator[LlmClient]:
    client = LlmClient(base_url, "test-model", "secret-key", deadlines)
    try:
        yield client
    finally:
        await client.close()


async def pieces_of(client: LlmClient, within_s: float | None = None) -> list[Piece]:
    async with client.chat(QUESTION, within_s) as pieces:
        return [piece async for piece in pieces]


async def fault_of(
    base_url: str, deadlines: ChatDeadlines = PATIENT, within_s: float | None = None
) -> LlmError:
    async with client_of(base_url, deadlines) as client:
        with pytest.raises(LlmError) as raised:
            await pieces_of(client, within_s)
    return raised.value


async def test_an_answer_is_streamed_over_one_connection(endpoint: LlmServer) -> None:
    """Text, then the finish with usage; the next call needs no new connection."""
    async with client_of(endpoint.base_url) as client:
        for _ in range(3):
            assert await pieces_of(client) == [
                TextDelta("It costs "),
                TextDelta("twelve euros."),
                Finish(FinishReason.STOP, Usage(7, 5)),
            ]
    assert endpoint.connections == 1
    assert endpoint.keys == ["bearer secret-key"] * 3


async def test_a_tool_call_is_one_piece(endpoint: LlmServer) -> None:
    """Its parts are put together."""
    endpoint.plays.append(calls("weather", '{"at": "sea"}'))
    async with client_of(endpoint.base_url) as client:
        call, finish = await pieces_of(client)
    assert call == ToolCall("call_1", "weather", '{"at": "sea"}')
    assert finish == Finish(FinishReason.TOOL_CALLS, Usage(7, 5))


async def test_the_first_piece_comes_before_the_last_is_made(endpoint: LlmServer) -> None:
    """Nothing waits for the end of an answer."""
    endpoint.plays.append(says("It costs ", hangs_at="body"))
    async with client_of(endpoint.base_url) as client, client.chat(QUESTION) as pieces:
        assert await anext(pieces) == TextDelta("It costs ")


async def test_who_leaves_early_ends_the_generation(endpoint: LlmServer) -> None:
    """The endpoint sees the connection end, and the next call has one that works."""
    endpoint.plays.append(says("It costs ", hangs_at="body"))
    async with client_of(endpoint.base_url) as client:
        async with client.chat(QUESTION) as pieces:
            await anext(pieces)
        async with asyncio.timeout(10):
            while not endpoint.abandoned:
                await asyncio.sleep(0.01)
        assert len(await pieces_of(client)) == 3


async def test_a_cancelled_call_is_over_at_once(endpoint: LlmServer) -> None:
    """Whoever waits for the first token may be cancelled; the connection goes with it."""
    endpoint.plays.append(Play(hangs_at="head"))
    async with client_of(endpoint.base_url) as client:
        call = asyncio.create_task(pieces_of(client))
        async with asyncio.timeout(10):
            while not endpoint.requests:
                await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert len(await pieces_of(client)) == 3


@pytest.mark.parametrize(
    ("play", "fault"),
    [
        (Play(status=429, headers={"Retry-After": "7"}), LlmFault.BUSY),
        (Play(status=500), LlmFault.SERVER_ERROR),
        (Play(status=401), LlmFault.REFUSED),
        (Play(status=301, headers={"Location": "http://127.0.0.1:1/"}), LlmFault.REFUSED),
        (says("It costs ", is_cut=True), LlmFault.CUT),
        (Play(is_cut=True), LlmFault.CUT),
        (Play(raw=b"data: <html>\n\n"), LlmFault.GARBLED),
        (Play(raw=b"{}", headers={"Content-Type": "application/json"}), LlmFault.GARBLED),
        (Play(raw=b""), LlmFault.CUT),
        (Play(raw=b'data: {"error": {"message": "full"}}\n\n'), LlmFault.SERVER_ERROR),
        (says("word " * 1000, is_endless=True), LlmFault.TOO_LARGE),
        (Play(raw=b"x" * (1 << 20)), LlmFault.TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, LlmFault) else "",
)
async def test_each_failure_has_its_name(endpoint: LlmServer, play: Play, fault: LlmFault) -> None:
    """Told by an LlmError that names neither the key nor the question."""
    endpoint.plays.append(play)
    error = await fault_of(endpoint.base_url)
    assert error.fault is fault
    assert "secret" not in str(error)
    assert "cost" not in str(error)
    assert error.retry_after_s == (7.0 if fault is LlmFault.BUSY else None)


@pytest.mark.parametrize(
    ("play", "within_s", "fault"),
    [
        (Play(hangs_at="head"), None, LlmFault.FIRST_TOKEN_TIMEOUT),
        (Play(hangs_at="body"), None, LlmFault.FIRST_TOKEN_TIMEOUT),
        (says("It costs ", hangs_at="body"), None, LlmFault.STALLED),
        (says("on ", is_endless=True, pause_s=0.02), 0.3, LlmFault.TOTAL_TIMEOUT),
    ],
    ids=lambda value: value if isinstance(value, LlmFault) else "",
)
async def test_each_phase_has_its_deadline(
    endpoint: LlmServer, play: Play, within_s: float | None, fault: LlmFault
) -> None:
    """Silence before the head, after the head, between two tokens; and no answer without an end."""
    endpoint.plays.append(play)
    assert (await fault_of(endpoint.base_url, SHORT, within_s)).fault is fault


async def test_bytes_that_only_keep_alive_are_no_first_token(endpoint: LlmServer) -> None:
    """A proxy's comments do not put off the deadline."""
    endpoint.plays.append(Play([{"role": "assistant"}], is_endless=True, pause_s=0.02))
    error = await fault_of(endpoint.base_url, SHORT)
    assert error.fault is LlmFault.FIRST_TOKEN_TIMEOUT


async def test_a_finished_answer_does_not_wait_for_its_usage(endpoint: LlmServer) -> None:
    """The model said that it stopped; an endpoint that then says nothing more fails nobody."""
    finished = b'data: {"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]}\n\n'
    endpoint.plays.append(Play(raw=finished, headers={"Content-Length": "1000"}))
    async with client_of(endpoint.base_url) as client:
        assert await pieces_of(client) == [TextDelta("Yes."), Finish(FinishReason.STOP)]


async def test_nobody_listens() -> None:
    """A refused connection is told at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert (await fault_of(f"http://127.0.0.1:{port}/v1")).fault is LlmFault.UNREACHABLE


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full: another one is neither taken nor refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        try:
            yield listening.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


async def test_a_connection_that_nobody_takes_is_given_up() -> None:
    """Within the deadline of connecting."""
    with deaf_port() as port:
        error = await fault_of(f"http://127.0.0.1:{port}/v1", ChatDeadlines(0.2, 30, 30, 60))
    assert error.fault is LlmFault.CONNECT_TIMEOUT


async def test_health_is_the_list_of_models(endpoint: LlmServer) -> None:
    """What a doctor asks costs no tokens."""
    async with client_of(endpoint.base_url) as client:
        assert await client.models() == ("test-model",)
    async with client_of("http://127.0.0.1:1/v1") as client:
        with pytest.raises(LlmError, match=r"127\.0\.0\.1:1 cannot be reached"):
            await client.models()
    assert not endpoint.requests
