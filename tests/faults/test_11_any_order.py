"""Row 11: events in any order, at any moment; and the orders that people do meet.

Promise: every state and event together have a written result, and any order is outlived.

Seen to fail: with the refusals of Session._signal left out nothing was told of an empty commit;
with one pair taken out of the table it was not whole.
"""

import itertools
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from audio.pcm import Samples
from server.state import TABLE, Action, Signal, State
from server.wire.dialect import OWN
from tests.server.conftest import MakeStand, frames
from tests.server.test_event_order import Conversation, World, world
from tests.server.test_session import ask

__all__ = ["world"]

EVENTS: list[dict[str, Any]] = [
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "response.cancel"},
    {"type": "response.create"},
    {"type": "conversation.item.truncate", "item_id": "item_resp_test_2", "audio_end_ms": 0},
    {"type": "conversation.item.retrieve", "item_id": "item_resp_test_2"},
    {"type": "session.update", "session": {}},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}},
    *ask("what does a ticket cost"),
]


def test_every_pair_has_a_written_result() -> None:
    """Every state and signal together: a state to be in and what is done, and no pair besides."""
    assert set(TABLE) == set(itertools.product(State, Signal))
    assert {type(state) for state, _ in TABLE.values()} == {State}
    assert {type(action) for _, action in TABLE.values()} == {Action}


def test_a_machine_that_does_anything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis throws events, sounds and failing engines together; all is told in order."""
    monkeypatch.setattr("server.pipeline.pause_after_ms", lambda sentence: 0)
    Conversation.world, Conversation.dialect = world, OWN
    few = settings(
        max_examples=5,
        stateful_step_count=20,
        phases=[Phase.generate],
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Conversation, settings=few)


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_is_outlived(make_stand: MakeStand, spoken: Samples, seed: int) -> None:
    """Events and pieces of speech thrown together: then a question is answered as ever."""
    chance = random.Random(seed)
    stand = make_stand()
    heard = list(frames(spoken))
    for _ in range(80):
        if chance.random() < 0.5:
            begin = chance.randrange(len(heard))
            stand.messages.send(*heard[begin : begin + 25])
        else:
            stand.messages.send(chance.choice(EVENTS))
    stand.messages.send({"type": "input_audio_buffer.clear"}, {"type": "response.cancel"})
    stand.messages.send(*ask("where is the car park"))
    while (await stand.wire.wait_for("parley.turn"))["transcript"] != "where is the car park":
        await stand.wire.wait_for("parley.turn", stand.wire.types().count("parley.turn") + 1)
    assert stand.wire.last("parley.turn")["outcome"] == "answered"
    assert stand.session.state in (State.IDLE, State.HEARING)
    await stand.end()


async def test_an_empty_commit_and_a_second_cancel_are_refused_by_name(
    make_stand: MakeStand,
) -> None:
    """Neither changes anything: the answer that was asked for comes."""
    stand = make_stand()
    stand.messages.send({"type": "input_audio_buffer.commit"})
    stand.messages.send({"type": "response.cancel"}, {"type": "response.cancel"})
    stand.messages.send(*ask("what does a ticket cost"))
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    codes = [event["error"]["code"] for event in stand.wire.events if event["type"] == "error"]
    assert codes == ["input_audio_buffer_commit_empty", *["response_cancel_not_active"] * 2]
    await stand.end()


async def test_truncation_before_the_first_audio(make_stand: MakeStand) -> None:
    """Nothing was heard, so nothing is kept; more than nothing is refused; the answer comes."""
    stand = make_stand()
    stand.synthesizer.go.clear()
    stand.messages.send(*ask("what does a ticket cost"))
    item_id = (await stand.wire.wait_for("response.output_item.added"))["item"]["id"]
    for milliseconds in (0, 500):
        stand.messages.send(
            {
                "type": "conversation.item.truncate",
                "item_id": item_id,
                "audio_end_ms": milliseconds,
            }
        )
    error = (await stand.wire.wait_for("error"))["error"]
    assert error["message"] == "Audio content of 0ms is already shorter than 500ms"
    stand.messages.send({"type": "conversation.item.retrieve", "item_id": item_id})
    told = await stand.wire.wait_for("conversation.item.retrieved")
    assert told["item"]["content"][0]["transcript"] == ""
    stand.synthesizer.go.set()
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    await stand.end()
