"""The voice that a session chooses among those that the server offers."""

from dataclasses import replace
from typing import Any

import pytest

from models.espeak import EspeakLibrary
from server.engines.loading import embedded_voices
from tests.fakes import FakeSynthesizer
from tests.server.conftest import MakeStand, Stand


def ask(stand: Stand) -> None:
    content = [{"type": "input_text", "text": "What does the car park cost?"}]
    item = {"type": "message", "role": "user", "content": content}
    stand.messages.send(
        {"type": "conversation.item.create", "item": item}, {"type": "response.create"}
    )


def choose(stand: Stand, voice: object) -> None:
    output = {"voice": voice}
    stand.messages.send(
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": output}}}
    )


def add_voice(stand: Stand) -> FakeSynthesizer:
    other = FakeSynthesizer()
    other.name, other.fingerprint = "other voice", "fake-tts-2"
    room = stand.shared.engine_room
    room.current = replace(room.current, voices=(other,))
    return other


async def test_a_chosen_voice_speaks_and_is_told(make_stand: MakeStand) -> None:
    """From the next turn on, in the session, and in the report of the turn."""
    stand = make_stand()
    other = add_voice(stand)
    choose(stand, "other voice")
    session = (await stand.wire.wait_for("session.updated"))["session"]
    assert session["audio"]["output"]["voice"] == "other voice"
    assert session["parley"]["voices"] == ["fake voice", "other voice"]
    ask(stand)
    report = await stand.wire.wait_for("parley.turn")
    assert report["engines"]["tts"] == "other voice"
    assert other.sentences
    assert stand.synthesizer.sentences == []


@pytest.mark.parametrize("own", ["fake voice", "alloy", "default"])
async def test_the_servers_own_voice_comes_back_under_any_of_its_names(
    make_stand: MakeStand, own: str
) -> None:
    """Stock clients ask for voices that only the original has."""
    stand = make_stand()
    add_voice(stand)
    choose(stand, "other voice")
    choose(stand, own)
    session = (await stand.wire.wait_for("session.updated", 2))["session"]
    assert session["audio"]["output"]["voice"] == "fake voice"


async def test_a_voice_that_is_not_offered_is_refused_with_those_that_are(
    make_stand: MakeStand,
) -> None:
    """And the one chosen before stays."""
    stand = make_stand()
    add_voice(stand)
    choose(stand, "other voice")
    choose(stand, "third voice")
    error: dict[str, Any] = (await stand.wire.wait_for("error"))["error"]
    assert error["param"] == "session.audio.output.voice"
    assert "fake voice, other voice" in error["message"]
    ask(stand)
    assert (await stand.wire.wait_for("parley.turn"))["engines"]["tts"] == "other voice"


async def test_a_voice_that_went_away_gives_way_to_the_servers_own(make_stand: MakeStand) -> None:
    """Engines may be swapped while a session lasts."""
    stand = make_stand()
    add_voice(stand)
    choose(stand, "other voice")
    await stand.wire.wait_for("session.updated")
    room = stand.shared.engine_room
    room.current = replace(room.current, voices=())
    ask(stand)
    assert (await stand.wire.wait_for("parley.turn"))["engines"]["tts"] == "fake voice"


def test_embedded_voices_differ_in_sound_and_leave_out_the_one_in_use() -> None:
    """Each is there in the wheel: a name that espeak-ng did not know would raise."""
    library = EspeakLibrary()
    offered = embedded_voices(library, FakeSynthesizer())
    sounds = {voice.synthesise("The harbour.").samples.tobytes() for voice in offered}
    assert len(sounds) == len(offered) == 5
    assert len({voice.fingerprint for voice in offered}) == 5
    assert [voice.name for voice in embedded_voices(library, offered[0])] == [
        voice.name for voice in offered[1:]
    ]
