"""The port for Home Assistant: speech to words, words to an answer, an answer to speech."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from audio.wavfile import read_wav
from benchmarks.demo import read_demo_questions
from server.errors import StartError
from server.settings import Settings
from tests.server.running import RunningApp, running_app, settings_in
from tests.server.wyoming.calling import called, chunks, recording

QUESTION = read_demo_questions()[0]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path) -> Settings:
    folder = tmp_path_factory.mktemp("wyoming")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return replace(settings_in(folder, prepared_data_dir), wyoming_port=port)


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[RunningApp]:
    with running_app(settings) as running:
        yield running


async def test_a_spoken_question_is_transcribed_answered_and_spoken(
    server: RunningApp, settings: Settings
) -> None:
    """As Home Assistant does it: three calls, each of the next with what the one before gave."""
    speech = read_wav(QUESTION.wav)
    async with called(settings.wyoming_port) as line:
        await line.say(*recording(speech.samples, speech.rate_hz))
        words = await line.transcript()
    async with called(settings.wyoming_port) as line:
        await line.say(Transcript(words, context={"conversation_id": "1"}, language="en"))
        events = await line.heard_until("handled-stop")
    kinds = [event.type for event in events]
    count = len(kinds) - 3
    assert kinds == ["handled-start", *["handled-chunk"] * count, "handled", "handled-stop"]
    answer = Handled.from_event(events[-2]).text
    assert answer == "".join(HandledChunk.from_event(each).text for each in events[1:-2])
    assert answer is not None
    assert "2:30 pm and 5:15 pm" in answer
    async with called(settings.wyoming_port) as line:
        await line.say(Synthesize(answer, SynthesizeVoice(name="of an engine that is gone")))
        events = await line.heard_until("audio-stop")
    start, *spoken = events[:-1]
    assert AudioStart.from_event(start).rate == 22_050
    sound = np.frombuffer(b"".join(each.payload or b"" for each in spoken), "<i2")
    assert len(sound) > 2 * 22_050
    assert np.abs(sound).max() > 1000
    stamps = [AudioChunk.from_event(each).timestamp for each in spoken]
    assert stamps == sorted(stamps, key=lambda stamp: stamp or 0)
    counted = server.get("/metrics")[1]
    for work in ("transcribe", "handle", "synthesize"):
        assert f'parley_wyoming_requests_total{{end="done",request="{work}"}} 1.0' in counted


async def test_it_tells_what_runs(server: RunningApp, settings: Settings) -> None:
    """`describe`: ears, voice and answers under a name that stays, and the engines that run."""
    async with called(settings.wyoming_port) as line:
        await line.say(Describe(), Ping("are you there"))
        info, pong = await line.heard_until("pong")
    assert Pong.from_event(pong).text == "are you there"
    found = Info.from_event(info)
    programs = (*found.asr, *found.tts, *found.handle)
    assert [(each.name, each.installed) for each in programs] == [("parley", True)] * 3
    assert "pocketsphinx" in found.asr[0].models[0].name
    names = [voice.name for voice in found.tts[0].voices]
    assert "espeak" in names[0]
    assert len(names) == len(set(names)) > 1
    assert found.tts[0].supports_synthesize_streaming
    assert not found.asr[0].requires_external_vad
    assert (found.intent, found.wake, found.satellite) == ([], [], None)


async def test_a_text_in_pieces_is_spoken_sentence_by_sentence(
    server: RunningApp, settings: Settings
) -> None:
    """The first is heard before the last is sent; the text, repeated, is not spoken again."""
    async with called(settings.wyoming_port) as line:
        await line.say(SynthesizeStart(), SynthesizeChunk("It opens at ten. It clo"))
        early = await line.heard_until("audio-chunk")
        assert [event.type for event in early] == ["audio-start", "audio-chunk"]
        whole = "It opens at ten. It closes at four."
        await line.say(SynthesizeChunk("ses at four."), Synthesize(whole), SynthesizeStop())
        in_pieces = early + await line.heard_until("synthesize-stopped")
    async with called(settings.wyoming_port) as line:
        await line.say(Synthesize(whole))
        at_once = await line.heard_until("audio-stop")
    assert [event.type for event in in_pieces[-2:]] == ["audio-stop", "synthesize-stopped"]
    sounds = [b"".join(each.payload or b"" for each in events) for events in (in_pieces, at_once)]
    assert sounds[0] == sounds[1]


async def test_another_voice_is_spoken_when_it_is_chosen(
    server: RunningApp, settings: Settings
) -> None:
    """By its name in `info`, at once and in pieces; in the first it sounds otherwise."""
    text = "The boat leaves at ten."
    async with called(settings.wyoming_port) as line:
        await line.say(Describe())
        info = Info.from_event((await line.heard_until("info"))[-1])
        own, other = (SynthesizeVoice(name=each.name) for each in info.tts[0].voices[:2])
        sounds = []
        for voice in (own, other):
            await line.say(Synthesize(text, voice))
            events = await line.heard_until("audio-stop")
            sounds.append(b"".join(each.payload or b"" for each in events))
        await line.say(SynthesizeStart(other), SynthesizeChunk(text), SynthesizeStop())
        events = await line.heard_until("synthesize-stopped")
    assert sounds[0] != sounds[1]
    assert sounds[1] == b"".join(each.payload or b"" for each in events)


async def test_what_the_documents_do_not_answer_is_not_handled(
    server: RunningApp, settings: Settings
) -> None:
    """With words to say, so that Home Assistant may ask another agent or say them."""
    async with called(settings.wyoming_port) as line:
        await line.say(Transcript("who won the world cup in nineteen sixty six"))
        refusal = NotHandled.from_event((await line.heard_until("not-handled"))[-1])
    assert refusal.text == "I could not find that in your documents."


async def test_live_speech_ends_by_parleys_own_endpoint(
    server: RunningApp, settings: Settings
) -> None:
    """At the pace of speech no `audio-stop` is needed; what the client sends on is not heard."""
    speech = read_wav(QUESTION.wav)
    start, *spoken, stop = recording(speech.samples, speech.rate_hz)[1:]
    silent = chunks(np.zeros(1024, np.float32), speech.rate_hz)
    async with called(settings.wyoming_port) as line:
        listening = asyncio.create_task(line.transcript())
        await line.say(start)
        while not listening.done():
            await line.say(*(spoken[:1] or silent))
            spoken = spoken[1:]
            await asyncio.sleep(0.05)
        await line.say(*silent, stop, Describe())
        assert [event.type for event in await line.heard_until("info")] == ["info"]
    words = await listening
    assert words.split()


async def test_a_taken_port_is_a_clear_error(server: RunningApp, settings: Settings) -> None:
    """The message names the address and the variable to set."""
    taken = rf"{settings.wyoming_port} is taken.*PARLEY_WYOMING_PORT={settings.wyoming_port + 1}"
    with pytest.raises(StartError, match=taken), running_app(replace(settings, port=0)):
        pass
