"""Row 15: clicks, clipping, DC offset.

Seen to fail: without the clipping of audio.pcm.to_int16 what the resampler overshot by came to
the recogniser as its opposite, from one end of the scale to the other; with full scale refused
as a malformed frame an error was told.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from audio.endpoint import UtteranceEnded
from audio.pcm import Samples, encode_pcm16, to_int16
from audio.resample import resample
from audio.vad import VadModel
from server.hearing.ears import Ears
from server.session_settings import ear_settings
from server.settings import Settings
from tests.server.conftest import MakeStand
from tests.server.running import RunningApp
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


def test_what_is_beyond_full_scale_comes_to_the_recogniser_at_full_scale(
    vad_model: VadModel, spoken: Samples
) -> None:
    """A resampler overshoots at the edges of clipped sound: that is cut off, and never wraps."""
    told = clipping(resample(spoken, 16_000, 48_000))
    ears = Ears(vad_model, replace(ear_settings(Settings()), input_rate_hz=48_000))
    ears.change(replace(ears.settings, is_automatic=False))
    ears.hear(encode_pcm16(told), 0.0)
    (utterance,) = ears.commit()
    assert isinstance(utterance, UtteranceEnded)
    heard = utterance.samples
    loud = np.abs(heard) > 0.5
    assert np.abs(heard).max() > 1, "the resampler overshot"
    assert np.array_equal(np.sign(to_int16(heard)[loud]), np.sign(heard[loud]))


@pytest.mark.parametrize("damage", [clicking, clipping, offset, square, stuck])
def test_the_embedded_recogniser_hears_it_without_an_error(
    faulted_server: RunningApp, spoken: Samples, damage: Callable[[Samples], Samples]
) -> None:
    """Pocketsphinx itself: words or none."""
    recognizer = faulted_server.app._shared.engine_room.current.recognizer
    assert isinstance(recognizer.recognise(damage(spoken)).text, str)
