"""server/hearing/intake.py: audio at the pace of speech, or a bounded way ahead of it."""

import pytest

from audio.vad import VadModel
from server.errors import TooFast
from server.hearing.ears import Ears
from server.hearing.echo_guard import EchoGuard
from server.hearing.intake import Intake
from server.session_settings import ear_settings
from server.settings import Settings
from server.wire.outbox import Outbox
from tests.fakes import FakeWire

FRAME = bytes(640)
FRAME_S = 0.02


class Clock:
    """Passes only when somebody sleeps, or is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def read(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds


async def flood(intake: Intake) -> None:
    while True:
        await intake.take(FRAME)
        assert intake.ahead_s < 3.0 + 1.5 * FRAME_S


def make(vad_model: VadModel, clock: Clock) -> Intake:
    ears = Ears(vad_model, ear_settings(Settings()))
    guard = EchoGuard(ears, 22_050, lambda: None, clock.read)
    return Intake(ears, guard, Outbox(FakeWire(), "test", 1.0), 3.0, clock.read, clock.sleep)


async def test_audio_at_the_pace_of_speech_never_waits(vad_model: VadModel) -> None:
    """Ten seconds, frame by frame."""
    clock = Clock()
    intake = make(vad_model, clock)
    for _ in range(500):
        await intake.take(FRAME)
        clock.now_s += FRAME_S
    assert clock.slept_s == []
    assert intake.ahead_s == pytest.approx(FRAME_S)


async def test_a_burst_within_the_bound_only_gives_way(vad_model: VadModel) -> None:
    """What a stalled network held back comes at once: others get their turn, nothing waits."""
    clock = Clock()
    intake = make(vad_model, clock)
    for _ in range(149):
        await intake.take(FRAME)
    assert set(clock.slept_s) == {0}
    assert len(clock.slept_s) >= 95


async def test_at_the_bound_reading_pauses_and_then_the_client_is_too_fast(
    vad_model: VadModel,
) -> None:
    """Never more than the bound is ahead; after a third of it in pauses the session ends."""
    clock = Clock()
    intake = make(vad_model, clock)
    with pytest.raises(TooFast) as raised:
        await flood(intake)
    assert raised.value.close_code == 4429
    assert intake.ears.heard_ms / 1000 == pytest.approx(3.0 + 1.0, abs=0.1)
    assert sum(clock.slept_s) == pytest.approx(1.0, abs=0.1)


async def test_a_client_that_slows_down_is_forgiven(vad_model: VadModel) -> None:
    """Pauses long ago do not add up to a close."""
    clock = Clock()
    intake = make(vad_model, clock)
    for _ in range(4):
        for _ in range(170):
            await intake.take(FRAME)
        clock.now_s += 5
        await intake.take(FRAME)
    assert intake.ahead_s < 1
