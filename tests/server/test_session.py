"""server/session.py: one socket's conversation, in order, whatever is sent."""

import asyncio
import base64
import gc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audio.pcm import Samples, encode_pcm16
from server.errors import BadFrame, Gone, Idle, TooSlow
from server.governor import Step
from server.state import State
from server.turn import Turn
from tests.fakes import FakeRecognizer
from tests.server.conftest import MakeStand

VOICED_TURN = [
    "session.created",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "parley.sources",
    "response.output_audio_transcript.delta",
    "parley.words",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "parley.turn",
]


def without_repeated_deltas(types: list[str]) -> list[str]:
    """Each sentence is told by a delta and its words: one pair stands for all that follow it."""
    sentence = ["response.output_audio_transcript.delta", "parley.words"]
    kept = [kind for kind, before in zip(types, ["", *types], strict=False) if kind != before]
    while any(kept[at : at + 4] == 2 * sentence for at in range(len(kept))):
        at = next(at for at in range(len(kept)) if kept[at : at + 4] == 2 * sentence)
        kept[at : at + 2] = []
    return kept


def ask(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    return {"type": "conversation.item.create", "item": item}, {"type": "response.create"}


BOTH = "What does the car park cost a day and when does it close in the evening?"


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * 16_000), np.float32)


async def test_a_spoken_question_brings_the_events_of_a_voiced_turn(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The full order of server events, with audio, sources and a report that adds up."""
    stand = make_stand(partials=False)
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert without_repeated_deltas(stand.wire.types()) == VOICED_TURN
    assert report["outcome"] == "answered"
    assert report["transcript"] == "what does it cost"
    assert (
        report["answer"] == stand.wire.last("response.output_audio_transcript.done")["transcript"]
    )
    assert sum(report["segments"].values()) == pytest.approx(report["voice_to_voice_ms"], abs=5)
    assert {
        "endpoint_wait",
        "stt_final",
        "embed",
        "search",
        "answer_first",
        "tts_first",
        "send",
    } <= (set(report["segments"]))
    source = stand.wire.last("parley.sources")["sources"][0]
    assert source["document"] == "prices.md"
    assert source["sentence"] in source["passage"]
    assert stand.wire.audio_bytes > 8000
    assert stand.session.state is State.IDLE
    await stand.end()


async def test_first_event_tells_engines_and_formats(make_stand: MakeStand) -> None:
    """session.created announces what runs and why, and the audio formats."""
    created = (await make_stand().wire.wait_for("session.created"))["session"]
    assert created["parley"]["engines"]["stt"] == "fake recogniser"
    assert created["parley"]["notes"] == ["note"]
    assert created["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 16_000}
    assert created["audio"]["output"]["format"]["rate"] == 8000


async def test_the_same_question_again_is_served_from_the_cache(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The typed question a second time: search, answer and speech are hits."""
    stand = make_stand()
    for count in (1, 2):
        stand.messages.send(*ask("what does a ticket cost"))
        report = await stand.wire.wait_for("parley.turn", count)
    assert report["cache"] == {"search": "hit", "answer": "hit", "tts": "hit"}
    await stand.end()


async def test_silence_and_noise_start_no_turn(make_stand: MakeStand) -> None:
    """Five seconds of each: nothing is recognised and nothing is said."""
    stand = make_stand()
    noise = np.random.default_rng(1).normal(0, 0.05, 80_000).astype(np.float32)
    stand.say(silence(5))
    stand.say(noise)
    await stand.end()
    assert stand.wire.types() == ["session.created"]
    assert stand.recognizer.heard == []


async def test_nothing_understood_says_nothing(make_stand: MakeStand, spoken: Samples) -> None:
    """An empty transcript ends the turn without a response."""
    stand = make_stand()
    stand.recognizer.text = ""
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert (report["outcome"], report["response_id"]) == ("empty", None)
    assert "response.created" not in stand.wire.types()
    await stand.end()


async def test_speech_during_the_answer_interrupts_it(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Barge-in: the answer is cancelled, and the new question is answered."""
    stand = make_stand()
    stand.recognizer.text = "what does a ticket cost and where is the car park"
    first_audio = asyncio.Event()
    stand.wire.on_audio = first_audio.set
    stand.say(spoken)
    await first_audio.wait()
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn", 2, timeout_s=20)
    reports = [event for event in stand.wire.events if event["type"] == "parley.turn"]
    assert [report["outcome"] for report in reports] == ["cancelled", "answered"]
    done = [event for event in stand.wire.events if event["type"] == "response.done"]
    assert [event["response"]["status"] for event in done] == ["cancelled", "completed"]
    await stand.end()


async def test_going_on_speaking_while_it_thinks_joins_both_parts(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A pause in the middle of a question loses no words: both parts are recognised as one."""
    stand = make_stand()
    stand.recognizer.go.clear()
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.committed")
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.committed", 2)
    stand.recognizer.go.set()
    await stand.wire.wait_for("response.done")
    await stand.end()
    assert len(stand.recognizer.heard) == 2
    assert stand.recognizer.heard[1] > 1.7 * stand.recognizer.heard[0]


async def test_cancel_stops_the_answer_and_a_second_one_is_refused(make_stand: MakeStand) -> None:
    """response.cancel twice: cancelled, then an error that names why."""
    stand = make_stand()
    first_audio = asyncio.Event()
    stand.wire.on_audio = first_audio.set
    stand.messages.send(*ask("what does a ticket cost"))
    await first_audio.wait()
    stand.messages.send({"type": "response.cancel"}, {"type": "response.cancel"})
    error = await stand.wire.wait_for("error")
    assert error["error"]["code"] == "response_cancel_not_active"
    assert stand.wire.last("parley.turn")["outcome"] == "cancelled"
    assert stand.session.state is State.IDLE
    await stand.end()


async def test_bad_input_is_told_and_the_session_goes_on(make_stand: MakeStand) -> None:
    """Malformed JSON, an unknown event, odd and empty frames, empty commits: then a question."""
    stand = make_stand()
    stand.messages.send("{", {"type": "response.sing", "event_id": "mine"}, b"\x01\x02\x03", b"")
    stand.messages.send({"type": "input_audio_buffer.commit"}, {"type": "response.create"})
    stand.messages.send({"type": "input_audio_buffer.append", "audio": "***"})
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("parley.turn")
    errors = [event["error"] for event in stand.wire.events if event["type"] == "error"]
    assert [error["code"] for error in errors] == [
        "invalid_json",
        "unknown_event",
        "bad_frame",
        "bad_frame",
        "input_audio_buffer_commit_empty",
        "no_question",
        "invalid_value",
    ]
    assert errors[1]["event_id"] == "mine"
    assert all(error["message"] for error in errors)
    await stand.end()


async def test_the_fifth_bad_frame_ends_the_session(make_stand: MakeStand) -> None:
    """Four are forgiven."""
    stand = make_stand()
    stand.messages.send(*[b"\x01"] * 5)
    with pytest.raises(BadFrame):
        await stand.running
    assert stand.wire.types().count("error") == 4


async def test_a_failed_stage_is_told_and_the_next_turn_works(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Recognition raises once, then the voice: each turn fails by name, the third is answered."""
    stand = make_stand()
    stand.recognizer.error = RuntimeError("secret words")
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn")
    error = stand.wire.last("error")["error"]
    assert (error["code"], error["stage"]) == ("stage_failed", "stt")
    assert "secret" not in error["message"]
    stand.recognizer.error, stand.synthesizer.error = None, ValueError("no voice")
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("parley.turn", 2)
    assert stand.wire.last("error")["error"]["stage"] == "tts"
    assert stand.wire.last("response.done")["response"]["status"] == "failed"
    stand.synthesizer.error = None
    stand.messages.send(*ask("what does a ticket cost"))
    assert (await stand.wire.wait_for("parley.turn", 3))["outcome"] == "answered"
    await stand.end()


async def test_a_client_that_stops_reading_is_too_slow(make_stand: MakeStand) -> None:
    """The session ends with TooSlow and nothing is left running."""
    stand = make_stand(send_timeout_s=0.05)
    await stand.wire.wait_for("session.created")
    stand.wire.is_stuck = True
    stand.messages.send({"type": "input_audio_buffer.clear"})
    with pytest.raises(TooSlow):
        await stand.running


async def test_a_drop_while_thinking_abandons_the_turn(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The session ends at once; the permit stays taken until the thread ends."""
    stand = make_stand()
    stand.recognizer.go.clear()
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.committed")
    await asyncio.to_thread(stand.recognizer.started.wait, 5)
    await stand.end()
    stages = stand.shared.stages
    assert (stages.stt.permits.in_use, stages.search.permits.in_use) == (1, 0)
    stand.recognizer.go.set()
    async with asyncio.timeout(5):
        while stages.stt.permits.in_use:
            await asyncio.sleep(0.001)
    assert stand.synthesizer.sentences == []


async def test_manual_commit_takes_everything_that_was_sent(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """turn_detection null: no endpoint until the client says so, then one turn."""
    stand = make_stand()
    audio = {"input": {"turn_detection": None}}
    stand.messages.send({"type": "session.update", "session": {"audio": audio}})
    updated = await stand.wire.wait_for("session.updated")
    assert updated["session"]["audio"]["input"]["turn_detection"] is None
    stand.messages.send(
        {
            "type": "input_audio_buffer.append",
            "audio": base64.b64encode(encode_pcm16(spoken[:16_000])).decode(),
        }
    )
    stand.messages.send({"type": "input_audio_buffer.commit"})
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    assert stand.recognizer.heard == [16_000]
    await stand.end()


async def test_manual_commit_with_voice_detection_ends_the_utterance(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A commit while someone speaks does not wait for silence."""
    stand = make_stand()
    stand.say(spoken[:24_000])
    stand.messages.send({"type": "input_audio_buffer.commit"})
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    await stand.end()


async def test_clear_forgets_what_was_heard(make_stand: MakeStand, spoken: Samples) -> None:
    """Speech that is cleared is no utterance: only what ran before it was can have been heard."""
    stand = make_stand(partials=False)
    stand.say(spoken[:24_000])
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    stand.messages.send({"type": "input_audio_buffer.clear"})
    await stand.wire.wait_for("input_audio_buffer.cleared")
    stand.say(silence(2))
    await stand.end()
    assert stand.recognizer.heard == []


async def test_session_update_is_applied_and_told(make_stand: MakeStand) -> None:
    """Silence, threshold, rate and speed; an impossible wish is refused by name."""
    stand = make_stand()
    detection = {"type": "server_vad", "silence_duration_ms": 900, "threshold": 0.6}
    heard = {"turn_detection": detection, "format": {"rate": 48_000}}
    audio = {"input": heard, "output": {"speed": 1.5}}
    stand.messages.send({"type": "session.update", "session": {"audio": audio}})
    told = (await stand.wire.wait_for("session.updated"))["session"]["audio"]
    assert told["input"]["format"]["rate"] == 48_000
    assert told["input"]["turn_detection"]["silence_duration_ms"] == 900
    assert told["output"]["speed"] == 1.5
    await stand.end()


async def test_a_filter_narrows_what_the_next_questions_are_answered_from(
    make_stand: MakeStand,
) -> None:
    """Told in session.updated; not even a cached answer comes from outside; null takes it back."""
    stand = make_stand()

    async def outcome(number: int) -> str:
        for event in ask("What does it cost?"):
            stand.messages.send(event)
        return str((await stand.wire.wait_for("parley.turn", number))["outcome"])

    def narrow(wanted: object) -> None:
        stand.messages.send({"type": "session.update", "session": {"parley": {"filter": wanted}}})

    assert await outcome(1) == "answered"
    narrow({"documents": ["another.md"]})
    told = (await stand.wire.wait_for("session.updated"))["session"]["parley"]["filter"]
    assert told == {"documents": ["another.md"]}
    assert await outcome(2) == "refused"
    assert stand.wire.last("parley.sources")["sources"] == []
    narrow({"documents": ["prices.md"]})
    assert await outcome(3) == "answered"
    narrow({"since": "2999-01-01"})
    assert await outcome(4) == "refused"
    narrow(None)
    assert (await stand.wire.wait_for("session.updated", 4))["session"]["parley"]["filter"] is None
    assert await outcome(5) == "answered"
    await stand.end()


async def test_other_engines_are_announced_between_turns(make_stand: MakeStand) -> None:
    """A swap brings parley.engines; the next turn names the new engine."""
    stand = make_stand()
    await stand.wire.wait_for("session.created")
    voice = type(stand.synthesizer)()
    voice.name = "better voice"
    stand.shared.engine_room.change(synthesizer=voice, notes=())
    assert (await stand.wire.wait_for("parley.engines"))["engines"]["tts"] == "better voice"
    stand.messages.send(*ask("what does a ticket cost"))
    assert (await stand.wire.wait_for("parley.turn"))["engines"]["tts"] == "better voice"
    await stand.end()


@pytest.mark.parametrize("seconds", [0.0, 0.1])
async def test_an_idle_session_is_ended(make_stand: MakeStand, seconds: float) -> None:
    """Nothing at all, or silence, for the idle time: Idle, with its close code."""
    stand = make_stand(idle_timeout_s=0.05)
    await stand.wire.wait_for("session.created")
    if seconds:
        stand.say(silence(seconds))
    with pytest.raises(Idle):
        await stand.running


async def test_speech_that_breaks_off_is_idle_in_the_end(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A client that stops sending in mid-word keeps its place no longer than another."""
    stand = make_stand(idle_timeout_s=0.5)
    stand.say(spoken[: len(spoken) // 3])
    with pytest.raises(Idle):
        await stand.running
    assert stand.session.state is State.HEARING


async def test_who_types_is_not_idle(make_stand: MakeStand) -> None:
    """Nor who listened: what was told last begins the idle time."""
    stand = make_stand()
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("parley.turn")
    stand.session._idleness._active_at_s = stand.session._outbox.told_at_s = -1e9
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("parley.turn", 2)
    stand.say(silence(0.1))
    await stand.end()


async def test_a_lost_connection_is_no_error(make_stand: MakeStand, spoken: Samples) -> None:
    """A closed socket under a running answer ends the session as Gone, with no traceback."""
    stand = make_stand()
    await stand.wire.wait_for("session.created")
    stand.wire.gone = Gone("The connection closed.")
    stand.say(spoken)
    with pytest.raises(Gone):
        await stand.running


async def test_under_load_the_answer_is_brief_and_says_so(make_stand: MakeStand) -> None:
    """The step that the governor took is in the turn's report, and one sentence is quoted."""
    stand = make_stand()
    stand.messages.send(*ask(BOTH))
    whole = await stand.wire.wait_for("parley.turn")
    stand.shared.governor.steps = stand.shared.governor.offered
    stand.messages.send(*ask(BOTH))
    brief = await stand.wire.wait_for("parley.turn", 2)
    assert (whole["degraded"], brief["degraded"]) == ([], ["no_partials", "brief_answers"])
    assert whole["answer"].count(".") == 2
    assert brief["answer"].count(".") == 1
    await stand.end()


async def test_under_more_load_a_small_recogniser_hears_and_says_so(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Where one is loaded; the turn names the engine that heard it."""
    stand = make_stand()
    small = FakeRecognizer("what does it cost")
    small.name, small.fingerprint = "small", "fake-small-1"
    room = stand.shared.engine_room
    room.current = replace(room.current, small_recognizer=small)
    stand.shared.governor.steps = tuple(Step)
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert report["engines"]["stt"] == "small"
    assert "small_recognizer" in report["degraded"]
    assert small.heard
    assert not stand.recognizer.heard
    await stand.end()


async def test_a_turn_is_gone_when_it_has_ended(
    make_stand: MakeStand, spoken: Samples, no_collection: None
) -> None:
    """Up to 1.9 MB of the question's sound with it, though the conversation remembers its words;
    at once, not when the collector comes.
    """
    stand = make_stand()
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn")
    stand.messages.send(*ask("where is the car park"))
    await stand.wire.wait_for("parley.turn", 2)
    turns = [each for each in gc.get_objects() if isinstance(each, Turn)]
    own = [each for each in turns if each._items is stand.session._items]
    assert not [each for each in own if each.question.samples is not None]
    await stand.end()
