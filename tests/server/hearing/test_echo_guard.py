"""server/hearing/echo_guard.py: one's own voice is no speech; a person who joins in is heard."""

import numpy as np
import pytest

from audio.endpoint import EndpointEvent, SpeechDropped, SpeechStarted, UtteranceEnded
from audio.pcm import Samples, encode_pcm16, to_float
from audio.resample import resample
from audio.vad import VadModel
from models.espeak import EspeakLibrary, EspeakSynthesizer
from server.hearing.ears import Ears
from server.hearing.echo_guard import EchoGuard
from server.session_settings import ear_settings
from server.settings import Settings
from tests.server.conftest import FRAME_SAMPLES

RATE_HZ = 16_000
FRAME_S = FRAME_SAMPLES / RATE_HZ


@pytest.fixture(scope="module")
def answer() -> Samples:
    """An answer of about 4 s at 16 kHz, the rate of this session's voice."""
    voice = EspeakSynthesizer(EspeakLibrary())
    text = "The last boat comes back at a quarter past five, and on Sundays there is none at all."
    return resample(to_float(voice.synthesise(text).samples), voice.rate_hz, RATE_HZ)


class Room:
    """What is sent is heard again 200 ms later, at a gain, beside somebody who speaks."""

    def __init__(self, vad_model: VadModel) -> None:
        self.now_s = 50.0
        self.echoes = 0
        ears = Ears(vad_model, ear_settings(Settings()))
        self.doubts_at_s: list[float] = []
        self.guard = EchoGuard(ears, RATE_HZ, self._count, lambda: self.now_s, self._doubt)
        self.events: list[tuple[float, EndpointEvent]] = []

    def _count(self) -> None:
        self.echoes += 1

    def _doubt(self) -> None:
        self.doubts_at_s.append(self.now_s)

    async def pass_time(self, sent: Samples, heard: Samples) -> None:
        for at in range(0, len(heard) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            if len(chunk := sent[at : at + FRAME_SAMPLES]):
                self.guard.sent(encode_pcm16(chunk), RATE_HZ)
            self.now_s += FRAME_S
            heard_events = self.guard.ears.hear(
                encode_pcm16(heard[at : at + FRAME_SAMPLES]), self.now_s
            )
            for event in await self.guard.pass_on(heard_events):
                self.events.append((at / RATE_HZ, event))


def echo_of(answer: Samples, gain: float = 0.1) -> Samples:
    late = np.zeros(RATE_HZ // 5, np.float32)
    rest = np.zeros(2 * RATE_HZ, np.float32)
    return np.concatenate([late, answer * np.float32(gain), rest])


async def test_its_own_voice_is_never_told(vad_model: VadModel, answer: Samples) -> None:
    """At -20 dB: no start, no utterance, only that something was dropped; it is counted."""
    room = Room(vad_model)
    await room.pass_time(answer, echo_of(answer))
    assert {type(event) for _, event in room.events} <= {SpeechDropped}
    assert room.echoes >= 1
    assert room.doubts_at_s


async def test_what_might_be_an_echo_is_doubted_before_it_is_known(
    vad_model: VadModel, answer: Samples
) -> None:
    """Once, at its onset, so that the answer can stand still; not again while it stays an echo."""
    room = Room(vad_model)
    await room.pass_time(answer, echo_of(answer)[: RATE_HZ * 3 // 2])
    assert room.events == []
    assert len(room.doubts_at_s) == 1
    assert room.doubts_at_s[0] < 50 + 0.2 + 0.5


async def test_somebody_who_joins_in_is_heard(
    vad_model: VadModel, answer: Samples, spoken: Samples
) -> None:
    """Over the echo, within a second of the first word, from before it."""
    room = Room(vad_model)
    heard = echo_of(answer)
    begins = 2 * RATE_HZ
    length = min(len(heard) - begins, len(spoken))
    heard[begins : begins + length] += spoken[:length]
    await room.pass_time(answer, heard)
    told = [(at_s, event) for at_s, event in room.events if isinstance(event, SpeechStarted)]
    loud = np.flatnonzero(np.abs(spoken) > 0.02)[0] / RATE_HZ
    assert told[0][0] - (2 + loud) < 1.0
    assert any(isinstance(event, UtteranceEnded) for _, event in room.events)


async def test_nothing_is_withheld_long_after_the_answer(
    vad_model: VadModel, answer: Samples
) -> None:
    """The same sound, 5 s later, is somebody who says the same."""
    room = Room(vad_model)
    await room.pass_time(answer, np.zeros(len(answer) + 5 * RATE_HZ, np.float32))
    await room.pass_time(answer[:0], echo_of(answer, 1.0))
    kinds = [type(event) for _, event in room.events]
    assert SpeechStarted in kinds
    assert room.echoes == 0


async def test_a_commit_passes_whatever_it_is(vad_model: VadModel, answer: Samples) -> None:
    """The client decides: what was withheld is forgotten, and no late start follows."""
    room = Room(vad_model)
    await room.pass_time(answer, echo_of(answer)[: 2 * RATE_HZ])
    room.guard.forget()
    assert room.guard.ears.commit()
    await room.pass_time(answer[:0], np.zeros(RATE_HZ, np.float32))
    assert not any(isinstance(event, SpeechStarted) for _, event in room.events)
