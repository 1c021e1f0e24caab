"""server/engines/prespeak.py: the openings of answers are in the cache before anyone asks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rag.answer import REFUSAL
from rag.store import Store
from server.deadline import Deadline
from server.engines.prespeak import Prespeaker
from server.workers import Workers
from tests.fake_chat import FakeChat
from tests.fakes import FakeSynthesizer
from tests.server.conftest import MakeStand, Stand

OPENINGS = [REFUSAL, "According to Prices,"]


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers("test", 1)
    yield made
    made.close()
    assert made.join(5)


def prespeaker(stand: Stand, store: Store, workers: Workers) -> Prespeaker:
    shared = stand.shared
    return Prespeaker(shared.settings, store, shared.engine_room, shared.stages, workers)


async def until_spoken(speaker: Prespeaker, count: int) -> None:
    async with asyncio.timeout(10):
        while speaker.spoken < count:
            await asyncio.sleep(0.01)


async def test_the_first_sound_of_an_answer_is_ready_before_the_question(
    make_stand: MakeStand, store: Store, workers: Workers
) -> None:
    """The turn's first piece is a cache hit, and is one of the openings."""
    stand = make_stand()
    speaker = prespeaker(stand, store, workers)
    task = asyncio.create_task(speaker.run())
    await until_spoken(speaker, 2)
    assert stand.synthesizer.sentences == OPENINGS
    content = [{"type": "input_text", "text": "What does the car park cost behind the harbour?"}]
    item = {"type": "message", "role": "user", "content": content}
    stand.messages.send({"type": "conversation.item.create", "item": item})
    stand.messages.send({"type": "response.create"})
    report = await stand.wire.wait_for("parley.turn")
    assert report["cache"]["tts"] == "hit"
    assert not set(stand.synthesizer.sentences[2:]) & set(OPENINGS)
    task.cancel()
    await stand.end()


async def test_another_voice_speaks_them_anew(
    make_stand: MakeStand, store: Store, workers: Workers
) -> None:
    """What the old voice spoke is of no use to the new one."""
    stand = make_stand()
    speaker = prespeaker(stand, store, workers)
    task = asyncio.create_task(speaker.run())
    await until_spoken(speaker, 2)
    other = FakeSynthesizer()
    other.fingerprint = "fake-tts-2"
    stand.shared.engine_room.change(synthesizer=other)
    await until_spoken(speaker, 4)
    assert other.sentences == OPENINGS
    task.cancel()
    await stand.end()


async def test_with_a_language_model_only_the_refusal_is_spoken(
    make_stand: MakeStand, store: Store, workers: Workers
) -> None:
    """Its answers begin as they like; what the documents lack is told in the same words."""
    stand = make_stand(chats=[FakeChat()])
    speaker = prespeaker(stand, store, workers)
    await speaker._speak_all(stand.shared.engine_room.current, asyncio.Event())
    assert stand.synthesizer.sentences == [REFUSAL]
    await stand.end()


async def test_it_waits_while_anything_runs(
    make_stand: MakeStand, store: Store, workers: Workers
) -> None:
    """A core that is busy, with whatever, is not taken from a turn."""
    stand = make_stand()
    permits = stand.shared.stages.stt.permits
    ticket = permits.request(Deadline.after(10), lambda: None)
    speaker = prespeaker(stand, store, workers)
    task = asyncio.create_task(speaker.run())
    await asyncio.sleep(0.6)
    assert speaker.spoken == 0
    permits.release(ticket)
    await until_spoken(speaker, 2)
    task.cancel()
    await stand.end()


@pytest.mark.parametrize("change", [{"prespeak": False}, {"cache_enabled": False}])
async def test_it_can_be_turned_off(
    make_stand: MakeStand, store: Store, workers: Workers, change: dict[str, bool]
) -> None:
    """By its own switch, and without a cache to speak into."""
    stand = make_stand()
    speaker = prespeaker(stand, store, workers)
    speaker.settings = replace(speaker.settings, **change)  # type: ignore[arg-type]
    await speaker.run()
    assert speaker.spoken == 0
    await stand.end()
