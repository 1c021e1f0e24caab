"""Who is idle, by a clock that the test turns."""

import asyncio
from dataclasses import dataclass

import pytest

from server.errors import Idle
from server.idleness import Idleness
from server.state import State


@dataclass
class Life:
    """What happens in a session, and when."""

    now_s: float = 0.0
    told_at_s: float = 0.0
    state: State = State.IDLE

    def idleness(self) -> Idleness:
        return Idleness(600.0, lambda: self.told_at_s, lambda: self.state, lambda: self.now_s)


async def watched(life: Life, idleness: Idleness) -> bool:
    """Whether a session that is looked at now is let be."""
    watch = asyncio.create_task(idleness.watch())
    await asyncio.sleep(0)
    is_waiting = not watch.done()
    watch.cancel()
    await asyncio.wait([watch])
    return is_waiting or not isinstance(watch.exception(), Idle)


@pytest.mark.parametrize("state", list(State))
async def test_only_what_ends_by_itself_may_last_without_a_word(state: State) -> None:
    """A question that is being answered; speech, or a held answer, needs a client that sends."""
    life = Life(state=state)
    idleness = life.idleness()
    life.now_s = 600.0
    assert await watched(life, idleness) is (state in (State.THINKING, State.SPEAKING))


async def test_whatever_is_told_begins_the_time_anew() -> None:
    """Whoever asks for anything is told something: documents being sent, too."""
    life = Life()
    idleness = life.idleness()
    life.now_s, life.told_at_s = 1000.0, 401.0
    assert await watched(life, idleness)
    life.now_s = 1001.0
    assert not await watched(life, idleness)


def test_silence_is_idle_and_speech_is_not() -> None:
    """For a client that sends audio the whole time."""
    life = Life()
    idleness = life.idleness()
    life.now_s, life.state = 900.0, State.HEARING
    idleness.note_audio()
    life.now_s, life.state = 1499.0, State.IDLE
    idleness.note_audio()
    life.now_s = 1500.0
    with pytest.raises(Idle):
        idleness.note_audio()
