"""Row 14: 10-minute monologue.

Promise: cut at the utterance limit and answered, while the person speaks on; memory grows under
20 MB.

Seen to fail: with the utterance limit a hundred times as long nothing was committed.
"""

import numpy as np
import pytest

from audio.pcm import Samples
from server.hearing.ears import RATE_HZ
from server.watching.machine import resident_bytes, trim_memory
from tests.faults.figures import Figure
from tests.server.conftest import MakeStand

LIMIT_S = 2
MONOLOGUE_S = 600
FEW = 5


@pytest.fixture
def talk(spoken: Samples) -> Samples:
    """20 s of speech without a pause that would end it."""
    voiced = spoken[: len(spoken) - RATE_HZ]
    loud = np.flatnonzero(np.abs(voiced) > 0.02)
    words = voiced[loud[0] : loud[-1]]
    return np.tile(words, 1 + 20 * RATE_HZ // len(words))[: 20 * RATE_HZ]


async def test_what_was_said_up_to_the_limit_is_answered_and_the_rest_is_heard(
    make_stand: MakeStand, talk: Samples
) -> None:
    """The part that was cut is not taken back, though the person speaks on."""
    stand = make_stand(utterance_maximum_s=LIMIT_S)
    stand.say(talk[: int(2.8 * RATE_HZ)])
    await stand.wire.wait_for("input_audio_buffer.committed")
    await stand.wire.wait_for("input_audio_buffer.speech_started", 2)
    await stand.wire.wait_for("response.output_audio_transcript.delta")
    stand.say(talk[int(2.8 * RATE_HZ) : int(4.8 * RATE_HZ)])
    await stand.wire.wait_for("input_audio_buffer.committed", 2)
    await stand.wire.wait_for("response.created", 2)
    await stand.end()


async def test_ten_times_the_limit_is_kept_nowhere(make_stand: MakeStand, talk: Samples) -> None:
    """No recognition is longer than the limit, and every part is committed."""
    stand = make_stand(utterance_maximum_s=LIMIT_S)
    for begin in range(0, len(talk), RATE_HZ):
        stand.say(talk[begin : begin + RATE_HZ])
        # Each second is taken before the next is spoken, as in a conversation.
        stand.messages.send({"type": "session.update", "session": {}})
        await stand.wire.wait_for("session.updated", begin // RATE_HZ + 1)
    await stand.wire.wait_for("input_audio_buffer.committed", 8)
    await stand.end()
    assert max(stand.recognizer.heard) <= LIMIT_S * RATE_HZ


def held_bytes() -> int:
    """Without what the C library keeps of what was freed (models/allocation.py)."""
    trim_memory()
    return resident_bytes()


async def test_ten_minutes_leave_no_memory_behind(
    make_stand: MakeStand, talk: Samples, figure: Figure
) -> None:
    """Cut at the utterance limit, answered; memory grows under 20 MB in a 10-minute monologue."""
    stand = make_stand(utterance_maximum_s=30, ahead_maximum_s=600, partials=False)
    held: list[int] = []
    for number in range(MONOLOGUE_S // 20):
        stand.say(talk)
        stand.messages.send({"type": "session.update", "session": {}})
        await stand.wire.wait_for("session.updated", number + 1)
        held.append(held_bytes())
    # What is being heard and answered just then is some MB: the least of several readings is left.
    grown_mb = (min(held[-FEW:]) - min(held[2 : 2 + FEW])) / 1e6
    figure("memory of 9 more minutes", grown_mb, "MB")
    assert grown_mb < 20
    assert stand.wire.types().count("input_audio_buffer.committed") >= MONOLOGUE_S // 30 - 1
    await stand.wire.wait_for("response.created")
    assert max(stand.recognizer.heard) <= 31 * RATE_HZ
    await stand.end()
