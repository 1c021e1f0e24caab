"""server/wyoming/hearing.py: where a stream ends, live and recorded, and what is heard in it."""

import asyncio

import numpy as np
import pytest

from audio.pcm import Samples, encode_pcm16
from models.stt import Transcript
from server.errors import InvalidEvent
from server.wyoming.hearing import RECORDING_S, SILENT_S, Hearing
from server.wyoming.sound import SoundFormat
from tests.server.conftest import MakeStand, Stand

RATE_HZ = 16_000
FORMAT = SoundFormat(RATE_HZ, 2, 1)
CHUNK_SAMPLES = 512


class Clock:
    """Time that passes with the sound, `pace` times as fast."""

    def __init__(self, pace: float) -> None:
        self.now_s = 100.0
        self.pace = pace

    def __call__(self) -> float:
        return self.now_s


async def heard(hearing: Hearing, samples: Samples, clock: Clock) -> str | None:
    """What is told before the end of these samples, or None."""
    for start in range(0, len(samples), CHUNK_SAMPLES):
        chunk = samples[start : start + CHUNK_SAMPLES]
        clock.now_s += len(chunk) / RATE_HZ * clock.pace
        if (words := await hearing.hear(encode_pcm16(chunk), FORMAT)) is not None:
            return words
    return None


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.float32)


async def test_a_recording_is_heard_whole(make_stand: MakeStand, spoken: Samples) -> None:
    """Two questions and a long pause, sent at once: all words, at its sender's end only."""
    stand, clock = make_stand(), Clock(0.0)
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(FORMAT, stand.shared, group, clock)
        both = np.concatenate([spoken, silence(2), spoken])
        assert await heard(hearing, both, clock) is None
        assert await hearing.finish() == "what does it cost what does it cost"
    assert len(stand.recognizer.heard) == 2
    await stand.end()


async def test_live_speech_ends_at_its_endpoint(make_stand: MakeStand, spoken: Samples) -> None:
    """Within the longest wait, while the client still sends."""
    stand, clock = make_stand(), Clock(1.0)
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(FORMAT, stand.shared, group, clock)
        assert await heard(hearing, np.concatenate([spoken, silence(1)]), clock)
    assert hearing._ears.heard_ms < len(spoken) / 16 + 1000
    await stand.end()


async def test_without_its_own_endpoint_only_the_client_ends_it(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """PARLEY_WYOMING_ENDPOINT=0."""
    stand, clock = make_stand(wyoming_endpoint=False), Clock(1.0)
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(FORMAT, stand.shared, group, clock)
        assert await heard(hearing, np.concatenate([spoken, silence(20)]), clock) is None
        assert await hearing.finish()
    await stand.end()


async def test_the_answer_is_made_ahead_of_live_speech_only(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The caches hold it when the client asks; a recording's pauses begin nothing."""
    for pace, expected in ((1.0, True), (0.0, False)):
        stand, clock = make_stand(), Clock(pace)
        async with asyncio.TaskGroup() as group:
            hearing = Hearing(FORMAT, stand.shared, group, clock)
            await heard(hearing, np.concatenate([spoken, silence(1)]), clock)
            await hearing.finish()
        assert bool(stand.synthesizer.sentences) is expected
        await stand.end()


@pytest.mark.parametrize("pace", [1.0, 0.0])
async def test_silence_has_no_words(make_stand: MakeStand, pace: float) -> None:
    """The recogniser is not asked; a live stream in which nobody speaks ends by itself."""
    stand, clock = make_stand(), Clock(pace)
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(FORMAT, stand.shared, group, clock)
        words = await heard(hearing, silence(SILENT_S + 1), clock)
        assert words == ("" if pace else None)
        assert await hearing.finish() == ""
    assert stand.recognizer.heard == []
    await stand.end()


async def test_another_format_in_mid_stream_is_refused(make_stand: MakeStand) -> None:
    """It would be heard at the wrong pitch."""
    stand = make_stand()
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(FORMAT, stand.shared, group)
        with pytest.raises(InvalidEvent, match="format"):
            await hearing.hear(bytes(4), SoundFormat(RATE_HZ, 2, 2))
    await stand.end()


async def test_a_stream_without_end_is_refused(make_stand: MakeStand) -> None:
    """Its length is bounded, and so is what is kept of it."""
    stand = make_stand()
    minute = b"\x80" * 60 * 8000
    bytewise = SoundFormat(8000, 1, 1)
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(bytewise, stand.shared, group, Clock(0.0))
        for _ in range(int(RECORDING_S // 60)):
            await hearing.hear(minute, bytewise)
        with pytest.raises(InvalidEvent) as error:
            await hearing.hear(minute, bytewise)
    assert error.value.event_code == "too_large"
    await stand.end()


async def test_the_documents_choose_between_two_readings(
    make_stand: MakeStand, spoken: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a session: the one that they answer is told."""
    stand: Stand = make_stand()

    def two_readings(speech: Samples) -> Transcript:
        return Transcript("day tickle", "fake", 1.0, 1, {}, other="what does a day ticket cost")

    monkeypatch.setattr(stand.recognizer, "recognise", two_readings)
    async with asyncio.TaskGroup() as group:
        hearing = Hearing(FORMAT, stand.shared, group, Clock(0.0))
        await hearing.hear(encode_pcm16(spoken), FORMAT)
        assert await hearing.finish() == "what does a day ticket cost"
    await stand.end()
