"""The contract that all voices share."""

import math

import numpy as np
import pytest

from models.tts import MAXIMUM_SENTENCE_CHARACTERS, Speech, check_request, pause_after_ms


def test_a_speech_knows_its_duration() -> None:
    assert Speech(np.zeros(11_025, np.int16), 22_050, "x").duration_ms == 500
    assert Speech(np.zeros(0, np.int16), 22_050, "x").duration_ms == 0


def test_a_full_stop_pauses_longer_than_a_comma_and_that_than_none() -> None:
    pauses = [pause_after_ms(end) for end in ("It is.", "If so,", "and then")]
    assert pauses == sorted(pauses, reverse=True)
    assert len(set(pauses)) == 3
    assert pause_after_ms('He said "no."') == pause_after_ms("Is it? ") == pauses[0]
    assert pause_after_ms("") == pauses[2]


@pytest.mark.parametrize("speed", [0.0, -1.0, 100.0, math.nan, math.inf])
def test_an_impossible_speed_is_refused_naming_the_range(speed: float) -> None:
    with pytest.raises(ValueError, match=r"speed must be 0.25 to 4.0"):
        check_request("Hello.", speed)


def test_an_endless_sentence_is_refused_without_quoting_it() -> None:
    sentence = "secret " * MAXIMUM_SENTENCE_CHARACTERS
    with pytest.raises(ValueError, match="too long to speak at once") as caught:
        check_request(sentence, 1.0)
    assert "secret" not in str(caught.value)
