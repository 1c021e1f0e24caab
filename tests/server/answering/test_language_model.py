import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from models.llm import ChatRequest, Finish, FinishReason, LlmError, LlmFault, Piece, TextDelta
from server.answering.backoff import Backoff
from server.answering.endpoint import REST_S, Endpoint
from server.answering.language_model import LanguageModel
from server.answering.metrics import EndpointRole
from server.deadline import Deadline
from server.errors import LlmUnavailable
from server.watching.metrics import Metrics
from tests.fake_chat import HANGS, FakeChat, Played, fault, text

ASKED = ChatRequest(())
WHOLE = [
    TextDelta("It costs "),
    TextDelta("twelve euros."),
    Finish(FinishReason.STOP),
]


@dataclass(slots=True)
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(slots=True)
class Bench:
    """One model with one endpoint or two, whose waits are a thousandth."""

    chats: list[FakeChat]
    metrics: Metrics = field(default_factory=Metrics)
    clock: Clock = field(default_factory=Clock)
    model: LanguageModel = field(init=False)

    def __post_init__(self) -> None:
        roles = (EndpointRole.PRIMARY, EndpointRole.FALLBACK)
        endpoints = [
            Endpoint(role, chat, self.clock) for role, chat in zip(roles, self.chats, strict=False)
        ]
        backoff = Backoff(0.001, chance=lambda: 1.0)
        self.model = LanguageModel(tuple(endpoints), self.metrics.llm, backoff=backoff)

    async def ask(self, patience_s: float = 30.0) -> list[Piece]:
        async with self.model.chat(ASKED, Deadline.after(patience_s)) as reply:
            return [piece async for piece in reply]

    async def ask_in_vain(self, patience_s: float = 30.0) -> None:
        with pytest.raises(LlmUnavailable):
            await self.ask(patience_s)


def bench(*plays: Played, usual: Played = ()) -> Bench:
    return Bench([FakeChat(*plays, usual=usual)])


BUSY, DOWN = fault(LlmFault.BUSY), fault(LlmFault.UNREACHABLE)


async def test_what_may_pass_is_tried_again() -> None:
    """Three further tries after 429, 5xx, timeouts and connection errors; then it is answered."""
    faults = [LlmFault.BUSY, LlmFault.SERVER_ERROR, LlmFault.FIRST_TOKEN_TIMEOUT]
    asked = bench(*[[fault(kind)] for kind in faults])
    assert await asked.ask() == WHOLE
    assert len(asked.chats[0].requests) == 4
    assert asked.metrics.llm.calls[EndpointRole.PRIMARY, "answered"] == 1


async def test_no_more_than_three_further_tries() -> None:
    """Then the call has failed, and the endpoint is left alone."""
    asked = bench(usual=[BUSY])
    await asked.ask_in_vain()
    assert len(asked.chats[0].requests) == 4
    assert not asked.model.is_up
    await asked.ask_in_vain()
    assert len(asked.chats[0].requests) == 4


@pytest.mark.parametrize("kind", [LlmFault.REFUSED, LlmFault.GARBLED, LlmFault.TOO_LARGE])
async def test_what_will_not_pass_is_not_tried_again(kind: LlmFault) -> None:
    """A wrong key stays wrong."""
    asked = bench(usual=[fault(kind)])
    await asked.ask_in_vain()
    assert len(asked.chats[0].requests) == 1


async def test_an_empty_answer_is_none() -> None:
    """A model that says nothing has not answered."""
    asked = bench([Finish(FinishReason.STOP)])
    await asked.ask_in_vain()


async def test_nothing_is_tried_again_once_a_piece_was_delivered() -> None:
    """What breaks off in the middle is told to who reads it; nobody hears a sentence twice."""
    asked = bench([TextDelta("It "), fault(LlmFault.CUT)])
    with pytest.raises(LlmError):
        await asked.ask()
    assert len(asked.chats[0].requests) == 1
    assert asked.chats[0].open == 0


async def test_a_wait_is_never_past_the_patience() -> None:
    """An endpoint that wants to be left alone for longer is not waited for."""
    asked = bench(usual=[fault(LlmFault.BUSY, retry_after_s=20.0)])
    started_at_s = time.monotonic()
    await asked.ask_in_vain(patience_s=10.0)
    assert time.monotonic() - started_at_s < 9.0
    assert len(asked.chats[0].requests) == 1


async def test_between_two_tries_it_waits_as_long_as_the_backoff_says() -> None:
    """Longer than the patience, with this one: so there is no second try, though nobody rests."""
    asked = bench(usual=[fault(LlmFault.SERVER_ERROR)])
    asked.model.backoff = Backoff(20.0, chance=lambda: 1.0)
    await asked.ask_in_vain(patience_s=10.0)
    assert len(asked.chats[0].requests) == 1


async def test_a_hang_is_given_up_with_the_patience() -> None:
    """However long the model's own deadlines are."""
    asked = bench(usual=[HANGS])
    await asked.ask_in_vain(patience_s=0.05)
    assert asked.chats[0].open == 0


async def test_the_second_endpoint_answers_when_the_first_does_not() -> None:
    """At once, without a wait; and the next call does not try the first again."""
    asked = Bench([FakeChat(usual=[DOWN]), FakeChat(text("Two."))])
    assert await asked.ask() == [TextDelta("Two."), Finish(FinishReason.STOP)]
    await asked.ask()
    assert [len(chat.requests) for chat in asked.chats] == [1, 2]
    assert asked.model.name == asked.chats[1].name


async def test_both_endpoints_are_tried_in_turn() -> None:
    """The first may be back before the second is."""
    asked = Bench([FakeChat([BUSY]), FakeChat(usual=[DOWN])])
    assert await asked.ask() == WHOLE
    assert [len(chat.requests) for chat in asked.chats] == [2, 1]


async def test_who_had_no_time_is_not_blamed() -> None:
    """The second endpoint is asked with what the first left of the patience."""
    asked = Bench([FakeChat(usual=[DOWN]), FakeChat(usual=[HANGS])])
    await asked.ask_in_vain(patience_s=0.05)
    assert [endpoint.is_up for endpoint in asked.model.endpoints] == [False, True]


async def test_an_endpoint_that_rests_is_asked_for_its_models_not_for_an_answer() -> None:
    """No turn pays for finding out that it is back."""
    asked = bench([DOWN], [DOWN], [DOWN], [DOWN])
    chat = asked.chats[0]
    chat.listing = fault(LlmFault.UNREACHABLE)
    await asked.ask_in_vain()
    watch = asyncio.create_task(asked.model.watch())
    try:
        await _until(lambda: asked.clock.now_s > 0)
        assert chat.listed == 0
        asked.clock.now_s += REST_S
        await _until(lambda: chat.listed == 1)
        assert not asked.model.is_up
        chat.listing = None
        asked.clock.now_s += REST_S
        await _until(lambda: asked.model.is_up)
        assert len(chat.requests) == 4
    finally:
        watch.cancel()
    assert await asked.ask() == WHOLE


def test_who_lists_models_and_answers_nothing_rests_longer_each_time() -> None:
    """Or every fifth second a turn would wait in vain."""
    clock = Clock()
    endpoint = Endpoint(EndpointRole.PRIMARY, FakeChat(), clock)
    rests = []
    for _ in range(9):
        endpoint.failed()
        rests.append(endpoint.ready_in_s)
        clock.now_s += endpoint.ready_in_s
        assert endpoint.may_probe()
        endpoint.probed(None)
        assert endpoint.is_up
    assert rests[:3] == [5.0, 10.0, 20.0]
    assert rests[-1] == 300.0
    endpoint.answered()
    endpoint.failed()
    assert endpoint.ready_in_s == 5.0


async def test_no_more_calls_at_once_than_allowed() -> None:
    """One more is told at once that the documents are to be quoted."""
    asked = bench(usual=[TextDelta("It "), HANGS])
    asked.model.calls_at_once = 1
    async with asked.model.chat(ASKED, Deadline.after(30)):
        await asked.ask_in_vain()
    assert asked.model.is_up


async def test_who_leaves_ends_the_call() -> None:
    """Counted as left; the endpoint is told by the closed connection."""
    asked = bench([TextDelta("It "), HANGS])
    async with asked.model.chat(ASKED, Deadline.after(30)) as reply:
        assert await anext(reply) == TextDelta("It ")
    assert asked.chats[0].open == 0
    assert asked.metrics.llm.calls == {(EndpointRole.PRIMARY, "left"): 1}


@pytest.mark.parametrize(
    ("failures", "asked_for_s", "wait_s"), [(1, 0, 1.0), (3, 0, 4.0), (30, 0, 60.0), (1, 7, 7.0)]
)
def test_waits_double_up_to_their_cap(failures: int, asked_for_s: float, wait_s: float) -> None:
    """At most 1 s, 2 s, 4 s, never above 60 s, unless the endpoint asks for more."""
    assert Backoff(chance=lambda: 1.0).wait_s(failures, asked_for_s) == wait_s
    assert Backoff(chance=lambda: 0.0).wait_s(failures, asked_for_s) == asked_for_s


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
