"""Words told while the person speaks: only agreed ones, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.pcm import Samples
from server.governor import Step
from server.hearing.partials import Agreement, Partials
from server.pipeline import Pipeline
from tests.server.conftest import MakeStand, Stand
from tests.server.hearing.test_speculation import speech_only

Told = list[tuple[str, str]]


def speech(number: int) -> Samples:
    """Other samples for each number, so that no cache answers."""
    return np.full(8000 + number, 0.1, np.float32)


class Hearing:
    """Partials over a stand's stages, with what they told."""

    def __init__(
        self, stand: Stand, group: asyncio.TaskGroup, steps: tuple[Step, ...] = ()
    ) -> None:
        shared = stand.shared
        self.stand = stand
        self.told: Told = []
        pipeline = Pipeline(shared.stages, shared.engine_room.current, 5, steps=steps)
        self.partials = Partials(
            shared.settings,
            group,
            shared.stages.stt.permits,
            shared.metrics,
            lambda: pipeline,
            self._tell,
        )
        self.partials.begin("item")

    async def _tell(self, item_id: str, words: str) -> None:
        self.told.append((item_id, words))

    async def hear(self, number: int, text: str) -> None:
        """One partial from beginning to end."""
        self.stand.recognizer.text = text
        before = sum(self.fates().values())
        self.partials.hear(speech(number))
        await self.fates_counted(before + 1)

    async def fates_counted(self, count: int) -> None:
        async with asyncio.timeout(5):
            while sum(self.fates().values()) < count:
                await asyncio.sleep(0.001)

    def fates(self) -> dict[str, int]:
        counted = self.stand.shared.metrics.summary()["partials"]
        assert isinstance(counted, dict)
        return counted


@pytest.fixture
async def hearing(make_stand: MakeStand) -> AsyncIterator[Hearing]:
    async with asyncio.TaskGroup() as group:
        yield Hearing(make_stand(), group)


def test_words_are_agreed_on_by_two_readings_in_a_row() -> None:
    """The first reading tells nothing; the second what both begin with, whatever its case."""
    agreement = Agreement()
    assert agreement.add("where does the goat") == []
    assert agreement.add("Where does the boat leave") == ["Where", "does", "the"]
    assert agreement.add("where does the boat leave from") == ["boat", "leave"]


def test_nothing_is_added_to_words_that_a_later_reading_contradicts() -> None:
    """What was told cannot be unsaid: the final transcript replaces it."""
    agreement = Agreement()
    for reading in ("where does", "where does", "when did the boat"):
        agreement.add(reading)
    assert agreement.add("when did the boat go") == []
    assert agreement.agreed == ["where", "does"]


@given(st.lists(st.text("ab ", max_size=8), max_size=6))
def test_what_is_told_together_is_the_beginning_of_two_readings(readings: list[str]) -> None:
    """Whatever is heard, the words told are in order and nothing else."""
    agreement = Agreement()
    told: list[str] = []
    for previous, reading in zip(["", *readings], readings, strict=False):
        fresh = agreement.add(reading)
        told += fresh
        if fresh:
            assert reading.split()[: len(told)] == told == previous.split()[: len(told)]
    assert told == agreement.agreed


async def test_agreed_words_are_told_once_and_searched_for(hearing: Hearing) -> None:
    """Each delta is appended to the one before; four words are worth a search."""
    await hearing.hear(1, "what does a ticket")
    await hearing.hear(2, "what does a ticket cost")
    await hearing.hear(3, "what does a ticket cost")
    assert hearing.told == [("item", "what does a ticket"), ("item", " cost")]
    assert hearing.fates() == {"unstable": 1, "told": 2}
    search = hearing.stand.shared.stages.search
    async with asyncio.timeout(5):
        while search.cache.counts.misses < 2:
            await asyncio.sleep(0.001)


async def test_it_gives_way_to_all_other_work(hearing: Hearing) -> None:
    """A recogniser that runs for anybody, or for which anybody waits, is not asked."""
    permits = hearing.stand.shared.stages.stt.permits
    for name in ("in_use", "waiting"):
        setattr(permits, name, 1)
        hearing.partials.hear(speech(1))
        setattr(permits, name, 0)
    assert hearing.fates() == {"skipped": 2}
    assert hearing.stand.recognizer.heard == []


async def test_under_load_it_is_the_first_thing_given_up(make_stand: MakeStand) -> None:
    """The governor's first step."""
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(make_stand(), group, (Step.NO_PARTIALS,))
        hearing.partials.hear(speech(1))
        assert hearing.fates() == {"skipped": 1}


async def test_a_pause_ends_it_and_nothing_more_is_told(hearing: Hearing) -> None:
    """The words of a pause are the final ones."""
    await hearing.hear(1, "what does it cost")
    hearing.stand.recognizer.go.clear()
    hearing.partials.hear(speech(2))
    hearing.partials.stop()
    hearing.stand.recognizer.go.set()
    assert hearing.fates() == {"unstable": 1, "dropped": 1}
    assert hearing.told == []


async def test_a_slow_recogniser_is_left_alone_until_the_next_utterance(hearing: Hearing) -> None:
    """One that needs more than half of the time between two partials would delay the final one."""
    hearing.partials._longest_s = 0.0
    await hearing.hear(1, "what does it cost")
    await hearing.hear(2, "what does it cost")
    assert hearing.fates() == {"unstable": 1, "too_slow": 1}
    hearing.partials.begin("next")
    await hearing.hear(3, "what does it cost")
    assert hearing.fates() == {"unstable": 2, "too_slow": 1}


async def test_a_failing_recogniser_is_told_by_the_turn_alone(hearing: Hearing) -> None:
    """A partial that fails is silent."""
    hearing.stand.recognizer.error = RuntimeError("no")
    await hearing.hear(1, "")
    assert hearing.fates() == {"failed": 1}


async def heard_of(stand: Stand, count: int) -> None:
    async with asyncio.timeout(5):
        while len(stand.recognizer.heard) < count or stand.shared.stages.stt.permits.in_use:
            await asyncio.sleep(0.001)


async def test_a_session_tells_words_before_the_utterance_is_over(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Deltas name the item that speech_started named, and come before it is committed."""
    stand = make_stand(partial_every_ms=200)
    stand.recognizer.text = "what does a ticket cost"
    words = speech_only(spoken)
    for start in range(0, len(words), 3200):
        before = len(stand.recognizer.heard)
        stand.say(words[start : start + 3200])
        await asyncio.sleep(0.01)
        await heard_of(stand, before)
    stand.say(np.zeros(32_000, np.float32))
    await stand.wire.wait_for("parley.turn")
    delta = stand.wire.last("conversation.item.input_audio_transcription.delta")
    assert delta["delta"] == "what does a ticket cost"
    assert delta["item_id"] == stand.wire.last("input_audio_buffer.speech_started")["item_id"]
    types = stand.wire.types()
    assert types.index(delta["type"]) < types.index("input_audio_buffer.committed")
    await stand.end()


async def test_switched_off_nothing_is_told_and_nothing_recognised_early(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """PARLEY_PARTIALS=0: one recognition, the final one."""
    stand = make_stand(partials=False)
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn")
    assert stand.shared.metrics.summary()["partials"] == {}
    assert not [kind for kind in stand.wire.types() if kind.endswith("transcription.delta")]
    await stand.end()
