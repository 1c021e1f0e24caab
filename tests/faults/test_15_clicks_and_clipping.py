"""Row 15: clicks, clipping, DC offset.

Seen to fail: with Ears.hear refusing full scale as a malformed frame an error was told.
"""

from collections.abc import Callable

import numpy as np
import pytest

from audio.pcm import Samples
from tests.server.conftest import MakeStand
from tests.server.test_session import ask, silence

CLICK_EVERY = 4000


def clicking(samples: Samples) -> Samples:
    clicked = samples.copy()
    clicked[::CLICK_EVERY] = 1.0
    clicked[1::CLICK_EVERY] = -1.0
    return clicked


def clipping(samples: Samples) -> Samples:
    return np.asarray(np.clip(samples * 40, -1, 1), np.float32)


def offset(samples: Samples) -> Samples:
    return np.asarray(np.clip(samples + 0.4, -1, 1), np.float32)


def square(samples: Samples) -> Samples:
    """Full scale, one way and the other, every sample."""
    return np.asarray(np.where(np.arange(len(samples)) % 2, 1.0, -1.0), np.float32)


def stuck(samples: Samples) -> Samples:
    """An input that lies at its lower end."""
    return np.full(len(samples), -1.0, np.float32)


@pytest.mark.parametrize("damage", [clicking, clipping, offset, square, stuck])
@pytest.mark.parametrize("is_speech", [True, False], ids=["speech", "silence"])
async def test_a_turn_or_none_but_no_error(
    make_stand: MakeStand, spoken: Samples, damage: Callable[[Samples], Samples], is_speech: bool
) -> None:
    """No turn, or a turn; never an error; then a typed question is answered."""
    stand = make_stand()
    stand.say(damage(spoken if is_speech else silence(3)))
    stand.messages.send({"type": "input_audio_buffer.clear"})
    stand.messages.send({"type": "session.update", "session": {}})
    await stand.wire.wait_for("session.updated")
    stand.messages.send(*ask("what does a ticket cost"))
    while (await stand.wire.wait_for("parley.turn"))["transcript"] != "what does a ticket cost":
        await stand.wire.wait_for("parley.turn", stand.wire.types().count("parley.turn") + 1)
    assert "error" not in stand.wire.types()
    await stand.end()
