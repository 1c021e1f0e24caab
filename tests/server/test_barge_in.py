"""Speech into the answer: held at once; ended by a question or an order to stop alone."""

import asyncio

import numpy as np
import pytest

from audio.pcm import Samples
from server.state import State
from tests.server.conftest import MakeStand, Stand
from tests.server.test_session import ask

ANSWER = "a day ticket costs twelve euros."
PARKING = "where is the car park"


async def speaking(stand: Stand) -> None:
    """Ask by text and wait for the first audio."""
    first_audio = asyncio.Event()
    stand.wire.on_audio = first_audio.set
    stand.messages.send(*ask("what does a ticket cost"))
    await first_audio.wait()


async def judged_while_speech_goes_on(stand: Stand, spoken: Samples) -> None:
    """Speak into an answer; when it is recognised, half of the same follows. `go` ends that."""
    stand.recognizer.go.clear()
    await speaking(stand)
    stand.say(spoken)
    await asyncio.to_thread(stand.recognizer.started.wait, 5)
    stand.say(spoken[: len(spoken) // 2])
    stand.messages.send({"type": "session.update", "session": {}})
    await stand.wire.wait_for("session.updated")


@pytest.mark.parametrize("heard", ["", "uh huh", "a day ticket costs twelve euros"])
async def test_agreement_echo_and_noise_do_not_stop_the_answer(
    make_stand: MakeStand, spoken: Samples, heard: str
) -> None:
    """The answer is held while someone speaks, then goes on to its end; there is one turn."""
    stand = make_stand()
    stand.recognizer.text = heard
    await speaking(stand)
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.cleared")
    report = await stand.wire.wait_for("parley.turn")
    assert report["outcome"] == "answered"
    assert ANSWER in report["answer"]
    assert stand.wire.types().count("response.created") == 1
    assert stand.session.state is State.IDLE
    await stand.end()


async def test_speech_into_an_answer_is_recognised_ahead_and_not_answered(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Whether it is a question at all is not known yet: nothing is answered or spoken for it."""
    stand = make_stand()
    stand.recognizer.text = "yeah"
    await speaking(stand)
    lookups = stand.shared.stages.answer.cache.counts
    before = (lookups.hits, lookups.misses)
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.cleared")
    assert (lookups.hits, lookups.misses) == before
    assert stand.shared.metrics.summary()["partials"] == {}
    await stand.end()


async def test_no_audio_leaves_while_someone_speaks(make_stand: MakeStand, spoken: Samples) -> None:
    """From the onset on the answer stands still, until it is known what was said."""
    stand = make_stand()
    stand.recognizer.text = "yeah"
    await speaking(stand)
    stand.recognizer.go.clear()
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    sent_bytes = stand.wire.audio_bytes
    await asyncio.to_thread(stand.recognizer.started.wait, 5)
    await asyncio.sleep(0.3)
    assert stand.wire.audio_bytes <= sent_bytes + 2 * 640
    stand.recognizer.go.set()
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    assert stand.wire.audio_bytes > sent_bytes + 2 * 640
    await stand.end()


async def test_a_question_ends_the_answer_and_keeps_what_was_heard(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The cancelled item holds a beginning of the answer, never all of it."""
    stand = make_stand()
    stand.recognizer.text = "where is the car park"
    await speaking(stand)
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn", 2, timeout_s=20)
    reports = [event for event in stand.wire.events if event["type"] == "parley.turn"]
    assert [report["outcome"] for report in reports] == ["cancelled", "answered"]
    done = [event for event in stand.wire.events if event["type"] == "response.done"]
    kept = done[0]["response"]["output"][0]["content"][0]["transcript"]
    whole = "".join(
        event["delta"]
        for event in stand.wire.events
        if event["type"] == "response.output_audio_transcript.delta"
        and event["response_id"] == done[0]["response"]["id"]
    )
    assert whole.startswith(kept)
    assert len(kept) < len(whole)
    assert reports[1]["transcript"] == "where is the car park"
    await stand.end()


@pytest.mark.parametrize("heard", ["stop", "never mind"])
async def test_an_order_to_stop_ends_the_answer_and_is_not_answered(
    make_stand: MakeStand, spoken: Samples, heard: str
) -> None:
    """Told as an interruption; the item holds what was heard, and nothing else is said."""
    stand = make_stand()
    stand.recognizer.text = heard
    await speaking(stand)
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.cleared")
    sent_bytes = stand.wire.audio_bytes
    await stand.end()
    assert stand.session.state is State.IDLE
    assert stand.wire.types().count("parley.turn") == 1
    done = stand.wire.last("response.done")
    assert done["response"]["status_details"]["reason"] == "turn_detected"
    kept = done["response"]["output"][0]["content"][0]["transcript"]
    assert len(kept) < len(ANSWER)
    assert stand.wire.types().count("conversation.item.added") == 2
    assert stand.wire.audio_bytes == sent_bytes


@pytest.mark.parametrize("heard", ["stop", "be quiet please"])
async def test_an_order_to_stop_is_not_answered_when_nothing_is_being_said(
    make_stand: MakeStand, spoken: Samples, heard: str
) -> None:
    """Its words are told, and nothing is made of them."""
    stand = make_stand()
    stand.recognizer.text = heard
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert (report["outcome"], report["transcript"], report["answer"]) == ("cancelled", heard, "")
    assert "response.created" not in stand.wire.types()
    await stand.end()
    assert stand.wire.audio_bytes == 0


async def test_a_typed_stop_is_searched_for(make_stand: MakeStand) -> None:
    """Who types has a button to stop with."""
    stand = make_stand()
    stand.messages.send(*ask("stop"))
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] != "cancelled"
    await stand.end()


async def test_what_is_said_behind_stop_is_heard_by_itself(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The answer ends with the order; the question that follows is asked without it."""
    stand = make_stand()
    stand.recognizer.text = "stop"
    await judged_while_speech_goes_on(stand, spoken)
    stand.recognizer.go.set()
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "cancelled"
    stand.recognizer.text = "where is the car park"
    stand.say(spoken[len(spoken) // 2 :])
    report = await stand.wire.wait_for("parley.turn", 2, timeout_s=20)
    assert (report["outcome"], report["transcript"]) == ("answered", "where is the car park")
    await stand.end()


async def test_a_recogniser_that_fails_lets_the_answer_go_on(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The failure is told; the answer is not lost for it."""
    stand = make_stand()
    stand.recognizer.error = RuntimeError("no")
    await speaking(stand)
    stand.say(spoken)
    assert (await stand.wire.wait_for("error"))["error"]["stage"] == "stt"
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    await stand.end()


async def test_cancel_while_held_ends_the_answer(make_stand: MakeStand, spoken: Samples) -> None:
    """Esc works while someone speaks into the answer, and what is heard later changes nothing."""
    stand = make_stand()
    stand.recognizer.text = "yeah"
    await speaking(stand)
    words = spoken[: len(spoken) // 2]
    stand.say(words)
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    stand.messages.send({"type": "response.cancel"})
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "cancelled"
    stand.say(np.zeros(32_000, np.float32))
    await stand.end()
    assert "error" not in stand.wire.types()


@pytest.mark.parametrize("heard", ["a day ticket costs twelve euros", "okay thanks", "stop"])
async def test_an_answers_last_echo_is_no_question(
    make_stand: MakeStand, spoken: Samples, heard: str
) -> None:
    """Right behind the answer its own words, or "okay thanks", start no turn."""
    stand = make_stand()
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("parley.turn")
    stand.recognizer.text = heard
    stand.say(spoken)
    await stand.wire.wait_for("input_audio_buffer.cleared")
    await stand.end()
    assert stand.wire.types().count("parley.turn") == 1
    assert stand.session.state is State.IDLE


async def test_a_question_right_behind_an_answer_is_answered(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The doubt costs nothing but a look at the words."""
    stand = make_stand()
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("parley.turn")
    stand.recognizer.text = "where is the car park"
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn", 2)
    assert (report["outcome"], report["transcript"]) == ("answered", "where is the car park")
    await stand.end()


async def test_speech_goes_on_while_uh_huh_is_judged(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """What follows is heard from its beginning and judged by itself."""
    stand = make_stand()
    stand.recognizer.text = "uh huh"
    await judged_while_speech_goes_on(stand, spoken)
    stand.recognizer.text = "where is the car park"
    stand.recognizer.go.set()
    stand.say(spoken[len(spoken) // 2 :])
    await stand.wire.wait_for("parley.turn", 2, timeout_s=20)
    assert stand.wire.last("parley.turn")["transcript"] == "where is the car park"
    await stand.end()


@pytest.mark.parametrize(("loud", "quiet"), [("uh huh", PARKING), (PARKING, "okay")])
async def test_a_slow_judgement_loses_nothing_that_is_said_behind_it(
    make_stand: MakeStand, spoken: Samples, loud: str, quiet: str
) -> None:
    """Both wait for the recogniser: "uh-huh" takes no question with it, and a question is asked
    with whatever ended it.
    """
    stand = make_stand()
    stand.recognizer.text, stand.recognizer.quiet_text = loud, quiet
    stand.recognizer.quiet_peak = 0.6 * float(abs(spoken).max())
    stand.recognizer.go.clear()
    await speaking(stand)
    stand.say(spoken)
    stand.say(0.5 * spoken)
    stand.messages.send({"type": "session.update", "session": {}})
    await stand.wire.wait_for("session.updated")
    stand.recognizer.go.set()
    report = await stand.wire.wait_for("parley.turn", 2, timeout_s=20)
    assert (report["outcome"], report["transcript"]) == ("answered", PARKING)
    await stand.end()


async def test_what_is_still_judged_when_the_client_leaves_is_not_answered(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Nobody is there to hear it."""
    stand = make_stand()
    stand.recognizer.text = PARKING
    stand.recognizer.go.clear()
    await speaking(stand)
    stand.say(spoken)
    await asyncio.to_thread(stand.recognizer.started.wait, 5)
    stand.messages.send({"type": "session.update", "session": {}})
    await stand.wire.wait_for("session.updated")
    stand.messages.end()
    await stand.wire.wait_for("parley.turn")
    stand.recognizer.go.set()
    await stand.running
    assert stand.wire.types().count("parley.turn") == 1


async def test_what_was_said_before_another_question_ends_nothing(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A judgement that is still awaited when somebody types does not cancel the typed answer."""
    stand = make_stand()
    stand.recognizer.text = "where is the car park"
    stand.recognizer.go.clear()
    await speaking(stand)
    stand.say(spoken)
    await asyncio.to_thread(stand.recognizer.started.wait, 5)
    stand.messages.send(*ask("do children travel free"))
    await stand.wire.wait_for("response.created", 2)
    stand.recognizer.go.set()
    report = await stand.wire.wait_for("parley.turn", 2)
    assert (report["outcome"], report["transcript"]) == ("answered", "do children travel free")
    await stand.end()
