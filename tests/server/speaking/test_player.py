"""server/speaking/player.py: what a short pause does to an answer's sound."""

import asyncio
import time

import pytest

from tests.server.conftest import MakeStand
from tests.server.test_barge_in import speaking

PAUSE_S = 0.5


async def test_a_pause_sends_nothing_for_its_time_and_is_made_up_for(
    make_stand: MakeStand,
) -> None:
    """No audio leaves while it lasts; then the answer goes on to its end."""
    stand = make_stand()
    await speaking(stand)
    turn = stand.session._answering.turn
    assert turn is not None
    turn.player.pause(PAUSE_S)
    paused_at_s, sent_bytes = time.monotonic(), stand.wire.audio_bytes
    await asyncio.sleep(PAUSE_S * 0.8)
    if time.monotonic() - paused_at_s < PAUSE_S:
        assert stand.wire.audio_bytes <= sent_bytes + 2 * 640
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    assert stand.wire.audio_bytes > sent_bytes + 2 * 640
    await stand.end()


@pytest.mark.parametrize("is_paused", [True, False])
async def test_only_sound_that_still_runs_is_faded_out(
    make_stand: MakeStand, is_paused: bool
) -> None:
    """A pause has ended the sound already: a fade after it would be one frame more."""
    stand = make_stand()
    await speaking(stand)
    turn = stand.session._answering.turn
    assert turn is not None
    if is_paused:
        turn.player.pause(5.0)
    sent_bytes = stand.wire.audio_bytes
    await turn.player.hold()
    assert (stand.wire.audio_bytes == sent_bytes) is is_paused
    await stand.end()


async def test_the_last_words_are_sent_again_to_a_client_that_went_back(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All was sent when somebody spoke, 300 ms were not played: they come behind the "uh-huh"."""
    stand = make_stand()
    await speaking(stand)
    turn = stand.session._answering.turn
    assert turn is not None
    track, player = turn._track, turn.player
    all_made, send_rest = asyncio.Event(), player.send_rest

    async def noted() -> None:
        all_made.set()
        await send_rest()

    monkeypatch.setattr(player, "send_rest", noted)
    await all_made.wait()
    await player.hold()
    assert not track.left
    assert "response.output_audio.done" not in stand.wire.types()
    item_id = stand.wire.last("response.output_item.added")["item"]["id"]
    await stand.session._items.truncate(item_id, track.sent_ms - 300)
    sent_bytes = stand.wire.audio_bytes
    player.release()
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    assert stand.wire.audio_bytes - sent_bytes >= 2 * 0.29 * track.rate_hz
    assert stand.wire.types().count("response.output_audio.done") == 1
    await stand.end()
