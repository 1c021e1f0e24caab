"""Fault 14: somebody who never stops talking."""

import numpy as np
import pytest

from audio.pcm import Samples
from server.hearing.ears import RATE_HZ
from tests.server.conftest import MakeStand

LIMIT_S = 2


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
