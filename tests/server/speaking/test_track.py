"""server/speaking/track.py: one answer's sound, cut and gone on with where it was heard."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.tts import Speech
from server.speaking.track import FADE_MS, Track

RATE_HZ = 8000


def make() -> Track:
    track = Track(RATE_HZ)
    for sentence in ("One two.", "Three four."):
        loud = np.full(800, 1000, np.int16)
        track.add(sentence, Speech(loud, RATE_HZ, "", (400, 800)))
    return track


def test_sound_is_taken_in_order_to_its_end() -> None:
    """Pieces end where sentences do; nothing is left and nothing is sent twice."""
    track = make()
    taken = [len(track.take(500)) for _ in range(5)]
    assert taken == [500, 300, 500, 300, 0]
    assert (track.left, track.sent_ms) == (0, 200)


def test_words_of_the_last_sentence_end_at_a_time_of_the_whole_answer() -> None:
    """Milliseconds: what a client that counts what it played can compare with."""
    assert make().last_ends_ms == (150, 200)


def test_a_cut_is_faded_out_and_what_follows_faded_in() -> None:
    """5 ms down to nothing, then 5 ms up, and not a sample is left out."""
    track = make()
    track.take(100)
    out, following = track.fade_out(), track.take(100)
    assert len(out) == RATE_HZ * FADE_MS // 1000
    assert abs(int(out[-1])) <= 1000 // len(out)
    assert following[0] == 0
    assert following[60] == 1000
    assert track.position == 240
    assert len(track.fade_out()) > 0


def test_a_second_hold_without_sound_between_sends_nothing() -> None:
    """It is faded out already, and before the first sound there is nothing to fade."""
    track = make()
    assert len(track.fade_out()) == 0
    track.take(10)
    track.fade_out()
    assert len(track.fade_out()) == 0


def test_a_listener_who_stopped_hears_on_from_there() -> None:
    """After a rewind the client's word counts, not what was sent before it."""
    track = make()
    track.take(800)
    track.take(100)
    assert track.heard(unplayed=300) == 600
    track.rewind(450)
    assert track.heard(unplayed=300) == 450
    assert track.words.text(track.position) == "One"
    assert len(track.take(500)) == 350
    track.rewind(5000)
    assert track.position == 800


@given(st.lists(st.sampled_from(["take", "fade", "rewind"]), max_size=30), st.integers(0, 2000))
def test_no_order_of_calls_leaves_the_track(calls: list[str], sample: int) -> None:
    """The position stays inside what there is."""
    track = make()
    for call in calls:
        if call == "take":
            track.take(137)
        elif call == "fade":
            track.fade_out()
        else:
            track.rewind(sample)
        assert 0 <= track.heard(sample) <= track.position <= 1600
